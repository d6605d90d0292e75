import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A server to run beside a benchmark. */
export interface ServiceOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Its output that says it serves; the match is handed on. */
  readonly ready: RegExp;
}

/** A running server. */
export interface Service {
  readonly pid: number;
  /** What `ready` matched. */
  readonly readyMatch: RegExpMatchArray;
  /** Sends SIGTERM and resolves to the exit code; kills it when it has not ended in time. */
  stop(): Promise<number | null>;
}

const READY_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5000;
const CONNECT_RETRY_MS = 20;

/** The full path of a program on the PATH, or undefined. */
export function findProgram(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(folder, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not in this folder; the next one may have it.
    }
  }
  return undefined;
}

/** A loopback port that nothing listens on at the moment of asking. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

function tryConnect(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}

/** Connects to a loopback port, trying again while the server starts. Rejects after 5 s. */
export async function connectTo(port: number): Promise<Socket> {
  const deadlineMs = performance.now() + CONNECT_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    const socket = await tryConnect(port);
    if (socket !== undefined) {
      return socket;
    }
    await delay(CONNECT_RETRY_MS);
  }
  throw new Error(`nothing listens on port ${port}`);
}

function whenExited(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve(child.exitCode);
    } else {
      child.once('exit', (code) => resolve(code));
    }
  });
}

async function stop(child: ChildProcess): Promise<number | null> {
  const exited = whenExited(child);
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  const code = await exited;
  clearTimeout(timer);
  return code;
}

/** Starts a program and ends it with this process at the latest. */
export function startProgram(options: Omit<ServiceOptions, 'ready'>): {
  readonly child: ChildProcess;
  readonly stop: () => Promise<number | null>;
} {
  const child = spawn(options.command, [...options.args], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  return { child, stop: () => stop(child) };
}

/** Starts a server and waits until it says that it serves. */
export function startService(options: ServiceOptions): Promise<Service> {
  const { child, stop: stopChild } = startProgram(options);
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (reason: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`${options.command} ${options.args.join(' ')} ${reason}: ${output}`));
    };
    const timer = setTimeout(() => fail('does not serve'), READY_TIMEOUT_MS);
    const onOutput = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      const readyMatch = options.ready.exec(output);
      if (readyMatch !== null && child.pid !== undefined) {
        clearTimeout(timer);
        child.stdout?.off('data', onOutput).resume();
        child.stderr?.off('data', onOutput).resume();
        child.off('exit', onExit);
        resolve({ pid: child.pid, readyMatch, stop: stopChild });
      }
    };
    const onExit = (code: number | null): void => fail(`ended with code ${code}`);
    child.stdout?.on('data', onOutput);
    child.stderr?.on('data', onOutput);
    child.once('exit', onExit);
    child.once('error', (error) => fail(error.message));
  });
}
