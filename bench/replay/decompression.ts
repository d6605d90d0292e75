import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ReplayError } from './replay-error.js';

export type Compression = 'none' | 'gzip' | 'xz' | 'zstd';

/** The magic bytes decide, not the name: logs are often compressed without being renamed. */
const MAGICS: readonly (readonly [Compression, Buffer])[] = [
  ['gzip', Buffer.from('1f8b', 'hex')],
  ['xz', Buffer.from('fd377a585a00', 'hex')],
  ['zstd', Buffer.from('28b52ffd', 'hex')],
];

/** Enough bytes of a file for `compressionOf`. */
export const MAGIC_BYTES = 6;

interface Tool {
  readonly command: string;
  readonly install: string;
}

const XZ: Tool = { command: 'xz', install: 'Debian: xz-utils; Fedora, Homebrew: xz' };
const ZSTD: Tool = { command: 'zstd', install: 'Debian, Fedora, Homebrew: zstd' };

export function compressionOf(firstBytes: Buffer): Compression {
  for (const [compression, magic] of MAGICS) {
    if (firstBytes.subarray(0, magic.length).equals(magic)) return compression;
  }
  return 'none';
}

/**
 * The decompressed bytes of a file. gzip is done in this process, xz and zstd by the programs of
 * that name. Throws a `ReplayError` when the program is missing or the data is damaged; whoever
 * stops reading early ends the program.
 */
export function decompress(
  file: Readable,
  compression: Compression,
  path: string,
): AsyncIterable<Buffer> {
  switch (compression) {
    case 'none':
      return file;
    case 'gzip':
      return gunzip(file, path);
    case 'xz':
      return runTool(file, XZ, path);
    case 'zstd':
      return runTool(file, ZSTD, path);
  }
}

async function* gunzip(file: Readable, path: string): AsyncGenerator<Buffer> {
  const output = createGunzip();
  // An error of the pipeline destroys the output with it, so that the loop below throws it.
  pipeline(file, output, () => undefined);
  try {
    for await (const chunk of output) yield chunk;
  } catch (error) {
    throw new ReplayError(`${path}: the gzip data is damaged: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function* runTool(file: Readable, tool: Tool, path: string): AsyncGenerator<Buffer> {
  const child = spawn(tool.command, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(toolError(error, tool, path)));
    child.once('close', (exitCode) => resolve(exitCode));
  });
  // Awaited only after the output; until then a rejection must not count as unhandled.
  ended.catch(() => undefined);
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, 1_000);
  });
  let fileError: Error | undefined;
  pipeline(file, child.stdin, (error) => {
    // EPIPE only says that the program ended first; its exit code says why.
    if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE') fileError = error;
  });
  try {
    for await (const chunk of child.stdout) yield chunk;
    const exitCode = await ended;
    if (fileError !== undefined) throw fileError;
    if (exitCode !== 0) {
      throw new ReplayError(`${path}: ${complaint.trim() || `${tool.command} failed`}`);
    }
  } finally {
    child.kill();
    file.destroy();
  }
}

function toolError(error: Error, tool: Tool, path: string): Error {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return error;
  return new ReplayError(
    `${path} is compressed and the program "${tool.command}" is not on the PATH: ` +
      `install it (${tool.install}) or decompress the file first`,
    { cause: error },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
