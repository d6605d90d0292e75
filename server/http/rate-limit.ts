/** Clients that are told apart at once; further ones share one allowance. */
const CLIENTS_MAX = 16_384;
/** Milliseconds between two looks for clients that can be forgotten. */
const SWEEP_INTERVAL_MS = 100;
const SECOND_MS = 1_000;
/** Sums of fractions of milliseconds are not exact. */
const ROUNDING_MS = 0.01;
const OTHERS = '';

/**
 * Bounds the requests a second of each client, with the generic cell rate algorithm (ITU-T I.371):
 * a client that was quiet may send a second's worth at once, and on average no more than the rate.
 * Of each client one number is kept, and none once it has been quiet for a second.
 */
export class RateLimit {
  private readonly intervalMs: number;
  private readonly clientsMax: number;
  private readonly nowMs: () => number;
  /** When the next request of a client would be due, if it sent evenly. */
  private readonly dueMs = new Map<string, number>();
  private sweptMs = Number.NEGATIVE_INFINITY;

  /** @param perSecondMax requests a second of one client, above zero */
  constructor(
    perSecondMax: number,
    nowMs: () => number = () => performance.now(),
    clientsMax: number = CLIENTS_MAX,
  ) {
    this.intervalMs = SECOND_MS / perSecondMax;
    this.nowMs = nowMs;
    this.clientsMax = clientsMax;
  }

  /** Clients that are remembered now. */
  get clientCount(): number {
    return this.dueMs.size;
  }

  /** @returns false for a request too many, which is not counted */
  admits(client: string): boolean {
    const nowMs = this.nowMs();
    const known = this.dueMs.has(client) || this.makeRoom(nowMs) ? client : OTHERS;
    const dueMs = Math.max(this.dueMs.get(known) ?? nowMs, nowMs) + this.intervalMs;
    // The first request of a slow rate is due later than a second.
    if (dueMs - nowMs > Math.max(SECOND_MS, this.intervalMs) + ROUNDING_MS) return false;
    this.dueMs.set(known, dueMs);
    return true;
  }

  /** Whether one more client can be remembered. */
  private makeRoom(nowMs: number): boolean {
    if (this.dueMs.size < this.clientsMax) return true;
    if (nowMs - this.sweptMs < SWEEP_INTERVAL_MS) return false;
    this.sweptMs = nowMs;
    for (const [client, dueMs] of this.dueMs) if (dueMs <= nowMs) this.dueMs.delete(client);
    return this.dueMs.size < this.clientsMax;
  }
}
