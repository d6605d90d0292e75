/** A worker that dies so often within WINDOW_MS is not started again. */
export const RESTARTS_MAX = 5;
const WINDOW_MS = 10_000;

/** Counts losses: a worker that dies at once each time must not be started for ever. */
export class RestartBudget {
  readonly #restartsMax: number;
  readonly #lossTimesMs: number[] = [];

  constructor(restartsMax: number) {
    this.#restartsMax = restartsMax;
  }

  /** Counts a loss; whether the worker may be started again. */
  allows(nowMs: number): boolean {
    this.#lossTimesMs.push(nowMs);
    while ((this.#lossTimesMs[0] ?? nowMs) < nowMs - WINDOW_MS) this.#lossTimesMs.shift();
    return this.#lossTimesMs.length <= this.#restartsMax;
  }
}
