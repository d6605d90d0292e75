const SECOND_MS = 1_000;

/** Bounds lines that clients can bring about, so that nobody fills a disk with them. */
export class LineLimit {
  private readonly linesPerSecond: number;
  private secondEndsAtMs = 0;
  private left = 0;
  private suppressed = 0;

  constructor(linesPerSecond: number) {
    this.linesPerSecond = linesPerSecond;
  }

  /**
   * @returns how many were suppressed since the last line; `undefined` when this one is too
   */
  take(nowMs: number = performance.now()): number | undefined {
    if (nowMs >= this.secondEndsAtMs) {
      this.secondEndsAtMs = nowMs + SECOND_MS;
      this.left = this.linesPerSecond;
    }
    if (this.left === 0) {
      this.suppressed += 1;
      return undefined;
    }
    this.left -= 1;
    const { suppressed } = this;
    this.suppressed = 0;
    return suppressed;
  }
}
