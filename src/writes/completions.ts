import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Arena } from '../../native-free-core/arena.js';
import { THREAD_COMPLETIONS, THREAD_WAITING } from '../../native-free-core/assembly/layout.js';
import { reclaimDeadThreads } from '../../workers/dead-threads.js';
import type { ThreadSession } from '../thread-session.js';

interface AsyncWait {
  readonly async: boolean;
  readonly value: Promise<'ok' | 'timed-out'> | 'not-equal' | 'timed-out';
}

/** Part of ES2024 that the type library of this target does not declare. */
interface AtomicsWithWaitAsync {
  waitAsync(words: Int32Array, index: number, value: number, timeoutMs?: number): AsyncWait;
}

const atomics = Atomics as unknown as AtomicsWithWaitAsync;
/** Longest sleep before this thread looks whether a holder has died. */
const WAIT_MS_MAX = 250;
const KEEP_ALIVE_MS = 2 ** 30;

/**
 * Tells this thread that holders answered commands of its. A pending operation keeps the process
 * alive, nothing pending lets it end (`Atomics.waitAsync` alone does not).
 */
export class Completions {
  readonly #arena: Arena;
  readonly #words: Int32Array;
  readonly #completionsIndex: number;
  readonly #waitingIndex: number;
  readonly #reap: () => boolean;
  readonly #isPending: () => boolean;
  #isWaiting = false;
  #running: Promise<void> = Promise.resolve();
  #keepAlive: NodeJS.Timeout | undefined;

  /** `reap` takes in what was answered; `isPending` says whether anything still is. */
  constructor(session: ThreadSession, reap: () => boolean, isPending: () => boolean) {
    this.#arena = session.arena;
    this.#words = session.words;
    this.#completionsIndex = (session.slot + THREAD_COMPLETIONS) / 4;
    this.#waitingIndex = (session.slot + THREAD_WAITING) / 4;
    this.#reap = reap;
    this.#isPending = isPending;
  }

  /** Called after a command was published or queued. */
  watch(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#keepAlive = setInterval(() => this.#reap(), KEEP_ALIVE_MS);
    // Later: whoever published a command first says what to do with its answer.
    this.#running = Promise.resolve().then(() => this.#loop());
  }

  /** Resolves when everything that is watched now was answered. */
  next(): Promise<void> {
    return this.#running;
  }

  async #loop(): Promise<void> {
    const words = this.#words;
    Atomics.store(words, this.#waitingIndex, 1);
    try {
      while (this.#isPending()) {
        // Read before reaping: what is answered afterwards changes it.
        const seen = Atomics.load(words, this.#completionsIndex);
        const isUnfinished = this.#reap();
        if (!this.#isPending()) break;
        if (isUnfinished) {
          await nextTurn();
          continue;
        }
        const wait = atomics.waitAsync(words, this.#completionsIndex, seen, WAIT_MS_MAX);
        // While answers keep coming there is nothing to wait for, but timers and I/O have a turn.
        if (!wait.async) await nextTurn();
        // Nothing came for so long: whoever was to answer may be dead.
        else if ((await wait.value) === 'timed-out') reclaimDeadThreads(this.#arena);
      }
    } finally {
      Atomics.store(words, this.#waitingIndex, 0);
      clearInterval(this.#keepAlive);
      this.#keepAlive = undefined;
      this.#isWaiting = false;
    }
  }
}
