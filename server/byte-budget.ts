/**
 * Bytes that requests and responses may hold on the heap together. Without a common bound, many
 * clients that send or read slowly could hold any amount.
 */
export class ByteBudget {
  readonly limitBytes: number;
  private takenBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** Bytes that are taken now. */
  get usedBytes(): number {
    return this.takenBytes;
  }

  /** @returns false, with nothing taken, when that many are not left */
  tryTake(bytes: number): boolean {
    if (this.takenBytes + bytes > this.limitBytes) return false;
    this.takenBytes += bytes;
    return true;
  }

  /** Gives back what `tryTake` took. */
  give(bytes: number): void {
    this.takenBytes -= bytes;
  }
}
