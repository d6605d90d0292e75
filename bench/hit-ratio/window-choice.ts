/**
 * Chooses between several windows by the hits that small simulations of them had. Scores decay, so
 * that a choice follows the last ten or so periods, and another window must be better by a
 * hundredth of all accesses, so that chance does not move it.
 */
const DECAY = 0.9;
const MARGIN = 1 / 100;

export class WindowChoice {
  readonly #scores: Float64Array;
  #accesses = 0;
  #chosen = -1;

  constructor(windowCount: number) {
    this.#scores = new Float64Array(windowCount);
  }

  /**
   * Ends a period with the hits of each window among its accesses. Returns the index of the window
   * to use; -1 as long as none stands out.
   */
  endPeriod(accesses: number, hits: ArrayLike<number>): number {
    const scores = this.#scores;
    this.#accesses = this.#accesses * DECAY + accesses;
    let best = 0;
    for (let index = 0; index < scores.length; index += 1) {
      scores[index] = (scores[index] as number) * DECAY + (hits[index] as number);
      if ((scores[index] as number) > (scores[best] as number)) best = index;
    }
    const current = this.#chosen === -1 ? Math.min(...scores) : (scores[this.#chosen] as number);
    if ((scores[best] as number) > current + MARGIN * this.#accesses) this.#chosen = best;
    return this.#chosen;
  }
}
