import { ClientError } from './client-error.js';

/**
 * Counts failures in a row. Closed: requests pass. Open, after too many of them: requests are
 * refused at once. After a while one request may try, and its outcome decides (half open).
 */
export class Breaker {
  private readonly failuresMax: number;
  private readonly openMs: number;
  private readonly onTurn: (isOpen: boolean) => void;
  private failureCount = 0;
  /** Of `performance.now()`; when the next request may try. `undefined`: closed. */
  private probeAtMs: number | undefined;

  /** @param onTurn told when it opens and when it closes */
  constructor(
    settings: { readonly failures: number; readonly openMs: number },
    onTurn: (isOpen: boolean) => void,
  ) {
    this.failuresMax = settings.failures;
    this.openMs = settings.openMs;
    this.onTurn = onTurn;
  }

  /** Whether a request would be refused now. */
  get isShut(): boolean {
    return this.probeAtMs !== undefined && performance.now() < this.probeAtMs;
  }

  /** @throws {ClientError} `ERR_CLIENT_BREAKER_OPEN` */
  enter(): void {
    if (this.probeAtMs === undefined) return;
    const nowMs = performance.now();
    if (nowMs < this.probeAtMs) {
      throw new ClientError(
        'ERR_CLIENT_BREAKER_OPEN',
        'the service failed repeatedly and is left alone for a moment',
        { retryable: true, retryAfterMs: this.probeAtMs - nowMs },
      );
    }
    // The next one after this must wait again, whatever becomes of it.
    this.probeAtMs = nowMs + this.openMs;
  }

  /** The service answered, be it with a refusal. */
  succeed(): void {
    this.failureCount = 0;
    if (this.probeAtMs === undefined) return;
    this.probeAtMs = undefined;
    this.onTurn(false);
  }

  fail(): void {
    this.failureCount++;
    if (this.failureCount < this.failuresMax) return;
    const wasOpen = this.probeAtMs !== undefined;
    this.probeAtMs = performance.now() + this.openMs;
    if (!wasOpen) this.onTurn(true);
  }
}
