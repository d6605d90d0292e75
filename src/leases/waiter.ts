/**
 * One caller's wait: its promise, its deadline and its abort signal. Whichever comes first settles
 * it; nothing of it is left afterwards, no timer and no listener.
 */
export class Waiter<T> {
  readonly promise: Promise<T>;
  readonly #onLeave: () => void;
  readonly #signal: AbortSignal | undefined;
  #resolve: (value: T) => void = ignore;
  #reject: (error: unknown) => void = ignore;
  #timer: NodeJS.Timeout | undefined;
  #onAbort: (() => void) | undefined;
  #isSettled = false;

  /**
   * `onLeave` is called when the caller goes before it was answered. A signal that is aborted
   * already is the caller's to look at.
   */
  constructor(signal: AbortSignal | undefined, onLeave: () => void) {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#onLeave = onLeave;
    this.#signal = signal;
    if (signal === undefined) return;
    this.#onAbort = () => this.#leave(() => this.#reject(signal.reason));
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Calls `answer` when the wait takes longer: it settles the promise. */
  limit(waitMs: number, answer: (waiter: Waiter<T>) => void): void {
    if (this.#isSettled) return;
    this.#timer = setTimeout(() => this.#leave(() => answer(this)), waitMs);
  }

  resolve(value: T): void {
    this.#clear();
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.#clear();
    this.#reject(error);
  }

  #leave(answer: () => void): void {
    if (this.#isSettled) return;
    this.#clear();
    answer();
    this.#onLeave();
  }

  #clear(): void {
    this.#isSettled = true;
    clearTimeout(this.#timer);
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}

function ignore(): void {
  // Replaced by the promise before anybody can call it.
}
