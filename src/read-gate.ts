/**
 * Says with one load whether reads have anything special to heed: a closed engine, or writes of
 * this thread that nobody has applied yet.
 */
export class ReadGate {
  /** Keys with a pending write. */
  pendingCount = 0;
  #isClosed = false;
  /** True when neither is the case. */
  isOpen = true;

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The number of keys with a pending write has changed. */
  setPending(count: number): void {
    this.pendingCount = count;
    this.isOpen = !this.#isClosed && count === 0;
  }

  /** The engine was closed in this thread. */
  close(): void {
    this.#isClosed = true;
    this.isOpen = false;
  }
}
