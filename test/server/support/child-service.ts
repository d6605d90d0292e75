import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../dist/server/main.js', import.meta.url));

const SETTING = /^(?:HOTSHARD|SERVER|HTTP|WS|CACHE|METRICS|LOG)_|^TRACING$/;

/** How a process ended, and everything it wrote. */
export interface ChildResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built service as a process of its own, as an operator starts it. */
export class ChildService {
  readonly ended: Promise<ChildResult>;
  private readonly child: ChildProcess;
  private stdout = '';
  private stderr = '';

  /** @param input what it reads, if it reads anything */
  constructor(
    settings: Readonly<Record<string, string>> = {},
    args: readonly string[] = ['serve'],
    input?: string | Uint8Array,
  ) {
    // Settings of whoever runs the tests must not reach the service.
    const inherited = Object.entries(process.env).filter(([name]) => !SETTING.test(name));
    this.child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...Object.fromEntries(inherited), ...settings },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    // A program that ends unread closes the pipe.
    this.child.stdin?.on('error', () => undefined).end(input);
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.ended = once(this.child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The port out of the line that is printed at start. */
  async port(): Promise<number> {
    for (;;) {
      const match = /^hotshard listening on http:\/\/[^:]+:(\d+) \(/.exec(this.stdout);
      if (match !== null) return Number(match[1]);
      if (!this.isRunning) throw new Error(`the service did not start: ${this.stderr}`);
      await Promise.race([once(this.child.stdout as NodeJS.ReadableStream, 'data'), this.ended]);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}
