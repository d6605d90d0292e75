/** Runs a fixture as a process of its own and tells how it ended. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface ChildResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A child that does not end by itself is killed; its signal says so. */
const LIFE_MS_MAX = 40_000;

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

/** Runs `fixtures/<name>` with arguments; resolves when the process has ended. */
export function runChild(
  name: string,
  args: readonly string[],
  nodeFlags: readonly string[] = [],
): Promise<ChildResult> {
  const path = fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
  // Without the variables of the test runner: the child is an ordinary program.
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...nodeFlags, path, ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIFE_MS_MAX,
      killSignal: 'SIGKILL',
    });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code, signal, stdout: stdout(), stderr: stderr() });
    });
  });
}
