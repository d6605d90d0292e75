import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ReplayError } from './replay-error.js';

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 10_000;
const SETTING = /^(?:HOTSHARD|SERVER|HTTP|WS|CACHE|METRICS|LOG)_|^TRACING$/;
const START_LINE = /listening on (http:\/\/\S+)/;

export interface ServerProcess {
  readonly base: URL;
  stop(): Promise<void>;
}

/** Folder of the package, whether this file runs from its source or from `dist`. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!isPackageRoot(folder)) {
    const parent = dirname(folder);
    if (parent === folder) throw new ReplayError('the folder of the package was not found');
    folder = parent;
  }
  return folder;
}

function isPackageRoot(folder: string): boolean {
  const file = join(folder, 'package.json');
  if (!existsSync(file)) return false;
  const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'name' in manifest
    ? manifest.name === 'hotshard'
    : false;
}

/**
 * Starts the built server as a child on a free port of the loopback and waits for its start line.
 * `settings` are environment variables, and the only settings of the server that are passed on.
 * Throws a `ReplayError` when it does not start.
 */
export async function startServer(
  settings: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const file = join(packageRoot(), 'dist', 'server', 'main.js');
  if (!existsSync(file)) throw new ReplayError(`${file} does not exist: run "npm run build" first`);
  const child = spawn(process.execPath, [file, 'serve'], {
    env: { ...foreignEnvironment(), SERVER_HTTP_PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  try {
    return { base: await startLine(child), stop: () => stopChild(child, exited) };
  } catch (error) {
    await stopChild(child, exited);
    throw error;
  }
}

/** Without settings that were meant for another server, and without those of tests. */
function foreignEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter(([name]) => !SETTING.test(name)));
}

function startLine(child: ChildProcess): Promise<URL> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(
      () => fail(`no start line within ${START_LIMIT_MS} ms`),
      START_LIMIT_MS,
    );
    const fail = (reason: string): void => {
      clearTimeout(timer);
      reject(new ReplayError(`the server did not start: ${reason}\n${output.slice(-2_000)}`));
    };
    const listen = (text: string): void => {
      output = (output + text).slice(-10_000);
      const match = START_LINE.exec(output);
      if (match?.[1] === undefined) return;
      clearTimeout(timer);
      resolve(new URL(match[1]));
    };
    child.stdout?.setEncoding('utf8').on('data', listen);
    child.stderr?.setEncoding('utf8').on('data', listen);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (exitCode) => fail(`it ended with exit code ${exitCode}`));
  });
}

async function stopChild(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await exited;
  clearTimeout(timer);
}
