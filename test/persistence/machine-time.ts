/** Time of a machine that a test moves on, over restarts of the program and of the machine. */
import { startEngine } from '../../src/engine.js';
import type { Engine, EngineOptions } from '../../src/index.js';
import type { Moment } from '../../src/persistence/moment.js';

export class MachineTime {
  private bootId = 'boot 1';
  private uptimeMs = 5_000_000;
  private wallMs = 1_700_000_000_000;
  private programMs = 0;

  /** The monotonic clock of the program that runs now. */
  readonly nowMs = (): number => this.programMs;

  readonly readMoment = (): Moment => ({
    bootId: this.bootId,
    uptimeMs: this.uptimeMs,
    wallMs: this.wallMs,
  });

  /** Time goes by. */
  advance(stepMs: number): void {
    this.uptimeMs += stepMs;
    this.wallMs += stepMs;
    this.programMs += stepMs;
  }

  /** Somebody sets the wall clock. */
  setWallClock(changeMs: number): void {
    this.wallMs += changeMs;
  }

  /** A new program: its clock begins anew, wherever it likes. */
  restartProgram(startMs = 0): void {
    this.programMs = startMs;
  }

  restartMachine(): void {
    this.bootId = `${this.bootId}+`;
    this.uptimeMs = 10_000;
    this.restartProgram();
  }

  /** An engine of one thread that lives by this time. */
  open(path: string, options: EngineOptions = {}): Promise<Engine> {
    const persistence = { kind: 'file', path } as const;
    return startEngine(
      { memory: '8mb', workers: 0, persistence, clock: this, ...options },
      {
        readMoment: this.readMoment,
      },
    );
  }
}
