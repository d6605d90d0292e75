import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { type Compression, compressionOf, decompress, MAGIC_BYTES } from './decompression.js';
import type { TraceSample } from './formats/trace-format.js';
import { ReplayError } from './replay-error.js';

const SAMPLE_BYTES = 64 * 1024;
const FILE_CHUNK_BYTES = 64 * 1024;

/** One pass over a trace file: decompressed bytes, and how far the file itself has been read. */
export interface TraceInput {
  readonly compression: Compression;
  readonly sizeBytes: number;
  /** The first bytes, decompressed; `chunks` begins with them again. */
  readonly sample: TraceSample;
  readonly chunks: AsyncIterable<Buffer>;
  /** Bytes of the file as it lies on the disk that were read so far. */
  readBytes(): number;
  /** Ends the reading early; without effect after the end. */
  close(): Promise<void>;
}

/** Opens a trace. Throws a `ReplayError` when it cannot be read or is empty. */
export async function openTrace(path: string): Promise<TraceInput> {
  const { sizeBytes, compression } = await examine(path);
  const file = createReadStream(path, { highWaterMark: FILE_CHUNK_BYTES });
  const bytes = decompress(file, compression, path)[Symbol.asyncIterator]();
  const first: Buffer[] = [];
  let firstBytes = 0;
  while (firstBytes < SAMPLE_BYTES) {
    const { done, value } = await bytes.next();
    if (done === true) break;
    first.push(value);
    firstBytes += value.length;
  }
  if (firstBytes === 0) throw new ReplayError(`${path} is empty`);
  const head = Buffer.concat(first);
  return {
    compression,
    sizeBytes,
    sample: sampleOf(head.subarray(0, SAMPLE_BYTES), head.length < SAMPLE_BYTES),
    chunks: rejoin(head, bytes),
    readBytes: () => file.bytesRead,
    close: async () => {
      await bytes.return?.();
      file.destroy();
    },
  };
}

async function examine(path: string): Promise<{ sizeBytes: number; compression: Compression }> {
  try {
    const handle = await open(path);
    try {
      const { size } = await handle.stat();
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAGIC_BYTES), 0, MAGIC_BYTES, 0);
      return { sizeBytes: size, compression: compressionOf(buffer.subarray(0, bytesRead)) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ReplayError(`cannot read the trace: ${reason}`, { cause: error });
  }
}

async function* rejoin(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  // Bounded by the file.
  for (;;) {
    const { done, value } = await rest.next();
    if (done === true) return;
    yield value;
  }
}

/** Text holds no control characters but tab, line ends and form feed. */
function isText(bytes: Buffer): boolean {
  for (const byte of bytes) {
    if (byte < 0x09 || (byte > 0x0d && byte < 0x20) || byte === 0x7f) return false;
  }
  return true;
}

/** What a format sees of a file; `isWhole` says that nothing follows the bytes. */
export function sampleOf(bytes: Buffer, isWhole: boolean): TraceSample {
  if (!isText(bytes)) return { bytes, lines: [], isText: false };
  const lines = bytes.toString('utf8').split(/\r?\n/);
  // The last piece is empty, or a line that the end of the sample may have cut.
  const last = lines.pop() ?? '';
  if (last !== '' && (isWhole || lines.length === 0)) lines.push(last);
  return { bytes, lines, isText: true };
}
