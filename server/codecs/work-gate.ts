import { RequestError } from '../error-table.js';

/** Lets a few works run at once and a bounded number wait for them, first come first served. */
export class WorkGate {
  private readonly activeMax: number;
  private readonly waitingMax: number;
  private readonly waiting: (() => void)[] = [];
  private activeCount = 0;

  constructor(activeMax: number, waitingMax: number) {
    this.activeMax = activeMax;
    this.waitingMax = waitingMax;
  }

  /** @throws {RequestError} `ERR_CACHE_OVERLOADED` when too many wait */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.enter();
    try {
      return await work();
    } finally {
      // Whoever waits first takes the place over; otherwise it becomes free.
      const next = this.waiting.shift();
      if (next === undefined) this.activeCount -= 1;
      else next();
    }
  }

  private async enter(): Promise<void> {
    if (this.activeCount < this.activeMax) {
      this.activeCount += 1;
      return;
    }
    if (this.waiting.length >= this.waitingMax) {
      throw new RequestError('ERR_CACHE_OVERLOADED', 'too many values are being decoded');
    }
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}
