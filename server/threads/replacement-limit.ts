/** Bounds how often threads are started again: one that dies at once would burn a processor. */
export class ReplacementLimit {
  private readonly countMax: number;
  private readonly periodMs: number;
  private atMs: number[] = [];

  /** At most `countMax` in any `periodMs` milliseconds. */
  constructor(countMax: number, periodMs: number) {
    this.countMax = countMax;
    this.periodMs = periodMs;
  }

  /** @returns false when that would be one too many */
  tryTake(nowMs: number = performance.now()): boolean {
    this.atMs = this.atMs.filter((takenMs) => nowMs - takenMs < this.periodMs);
    if (this.atMs.length >= this.countMax) return false;
    this.atMs.push(nowMs);
    return true;
  }
}
