import { setImmediate as nextTurn } from 'node:timers/promises';
import { OP_SCAN } from '../../native-free-core/assembly/layout.js';
import {
  STATUS_OK,
  STATUS_OUTCOME_UNKNOWN,
  STATUS_PENDING,
  type Status,
} from '../../native-free-core/status.js';
import { statusError } from '../errors.js';
import type { ThreadSession } from '../thread-session.js';
import { Command } from '../writes/command.js';
import type { CommandWriter } from '../writes/command-writer.js';
import type { ScanSlice } from './scan-slice.js';

/** Time that slices take of this thread before timers and I/O have their turn. */
const TURN_MS_MAX = 2;

/**
 * Runs the slices of all scans of one thread, one at a time, so that no number of scans holds a
 * shard for longer than one slice, or keeps this thread from its event loop for longer than a few
 * milliseconds.
 */
export class SliceRunner {
  readonly session: ThreadSession;
  readonly #writer: CommandWriter;
  #last: Promise<void> = Promise.resolve();
  #usedMs = 0;

  constructor(session: ThreadSession, writer: CommandWriter) {
    this.session = session;
    this.#writer = writer;
  }

  /** Runs the next slice when its turn has come. `check` throws when there is to be none. */
  async run(slice: ScanSlice, operation: string, check: () => void): Promise<void> {
    const before = this.#last;
    let free = ignore;
    this.#last = new Promise((resolve) => {
      free = resolve;
    });
    try {
      await before;
      if (this.#usedMs > TURN_MS_MAX) {
        await nextTurn();
        this.#usedMs = 0;
      }
      check();
      const startMs = performance.now();
      const answer = this.send(slice, operation);
      this.#usedMs += performance.now() - startMs;
      await answer;
    } finally {
      free();
    }
  }

  /**
   * Sends a slice behind all commands of this thread. Undefined when it was carried out at once.
   *
   * @throws {CacheError} when it was refused
   */
  send(slice: ScanSlice, operation: string): Promise<void> | undefined {
    const command = new Command();
    command.opcode = OP_SCAN;
    command.scan = slice;
    const status = this.#writer.run(command);
    if (status === STATUS_OK) return undefined;
    if (status !== STATUS_PENDING) throw refusal(status, operation);
    const answer = new Promise<void>((resolve, reject) => {
      command.settle = (outcome) => {
        if (outcome === STATUS_OK) resolve();
        // A listing has changed nothing: it is asked for again.
        else if (outcome === STATUS_OUTCOME_UNKNOWN && slice.mode === 'list') resolve();
        else reject(refusal(outcome, operation));
      };
    });
    // Several are sent before the first is awaited.
    answer.catch(ignore);
    return answer;
  }
}

function refusal(status: number, operation: string): Error {
  return statusError(status as Status, { operation, isIdempotent: true });
}

function ignore(): void {
  // Whoever awaits the scan is told.
}
