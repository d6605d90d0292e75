// What a home worker does when a round found nothing: spin a little, then sleep on its doorbell.
// One worker also ticks the shared clock, for a while after each wake-up; which one the header
// says, and that may change at any time.

import { HEADER_TICKER_SLOT } from '../native-free-core/assembly/layout.js';
import type { CoreExports } from '../native-free-core/core-exports.js';
import type { Clock } from './clock.js';

/** Looks for work before sleeping: about 20 µs. */
const SPIN_ROUNDS = 2_000;
/** How often the shared clock moves while somebody needs it. */
const TICK_MS = 4;
/** How long the clock is ticked after the worker was woken. */
const AWAKE_MS = 100;

/** Rounds without progress before it pauses between them. */
const FRUITLESS_ROUNDS_MAX = 16;
const PAUSE_MS = 0.1;

/** Waits for a home worker; one object per worker. */
export class IdleStrategy {
  readonly #core: CoreExports;
  readonly #words: Int32Array;
  readonly #home: number;
  readonly #clock: Clock;
  readonly #spinRounds: number;
  #awakeUntilMs = 0;
  #fruitlessRounds = 0;

  /** With one processor spinning only delays the thread that is waited for. */
  constructor(
    core: CoreExports,
    words: Int32Array,
    home: number,
    clock: Clock,
    processors: number,
  ) {
    this.#core = core;
    this.#words = words;
    this.#home = home;
    this.#clock = clock;
    this.#spinRounds = processors > 1 ? SPIN_ROUNDS : 0;
  }

  /** Thread slot + 1 of the worker that ticks the clock, 0 = none. */
  get #ticker(): number {
    return Atomics.load(this.#words, HEADER_TICKER_SLOT / 4);
  }

  /** Called before each round with the time; shares it while the clock is ticked. */
  beginRound(nowMs: number): void {
    // A clock that runs is never left standing, whatever keeps this worker busy.
    if (this.#ticker !== this.#home + 1) return;
    if (nowMs >= this.#awakeUntilMs && this.#core.isTicking() === 0) return;
    this.#core.tickBy(this.#home, nowMs);
  }

  /** Called after a round that found work. */
  stayAwake(nowMs: number): void {
    this.#awakeUntilMs = nowMs + AWAKE_MS;
    this.#fruitlessRounds = 0;
  }

  /** Waits until there may be work again. */
  idle(nowMs: number): void {
    const core = this.#core;
    if (core.spinForWork(this.#home, this.#spinRounds) !== 0) {
      // Work that the round before could not do: its shard is held elsewhere.
      if (++this.#fruitlessRounds > FRUITLESS_ROUNDS_MAX) core.pause(this.#home, PAUSE_MS);
      return;
    }
    const dueInMs = core.nextDueMs(this.#home, nowMs) - nowMs;
    const ticksOn = this.#ticker === this.#home + 1 && nowMs < this.#awakeUntilMs;
    const timeoutMs = ticksOn ? Math.min(TICK_MS, dueInMs) : dueInMs;
    const wasWoken = core.park(this.#home, timeoutMs, ticksOn ? 1 : 0) !== 0;
    if (wasWoken) this.stayAwake(this.#clock.nowMs());
  }
}
