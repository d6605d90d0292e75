import {
  LEASE_EMPTY,
  LEASE_EPOCH,
  LEASE_EXPIRES_MS,
  LEASE_FAILED,
  LEASE_OUTCOME,
  LEASE_TEXT,
  LEASE_TEXT_BYTES,
  LEASE_TEXT_BYTES_MAX,
} from '../../native-free-core/assembly/layout.js';
import { reclaimDeadThreads } from '../../workers/dead-threads.js';
import { namespaceEpoch } from '../namespace-epoch.js';
import type { ThreadSession } from '../thread-session.js';
import type { LeasePlace } from './lease-commands.js';

interface AsyncWait {
  readonly async: boolean;
  readonly value: Promise<'ok' | 'timed-out'> | 'not-equal' | 'timed-out';
}

/** Part of ES2024 that the type library of this target does not declare. */
interface AtomicsWithWaitAsync {
  waitAsync(words: Int32Array, index: number, value: number, timeoutMs?: number): AsyncWait;
}

const atomics = Atomics as unknown as AtomicsWithWaitAsync;
/** Longest wait before this thread looks whether the lease still means anything. */
const STEP_MS_MAX = 250;
const KEEP_ALIVE_MS = 2 ** 30;

/** How a lease ended that another had; `over` says only that asking again makes sense. */
export type LeaseEnding =
  | { readonly kind: 'over' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'failed'; readonly message: string };

const OVER: LeaseEnding = { kind: 'over' };
const EMPTY: LeaseEnding = { kind: 'empty' };

/**
 * This thread's waits for leases of others: on shared memory, without blocking the event loop. All
 * that wait for one lease share one wait. A pending wait keeps the process alive.
 */
export class LeaseWaits {
  readonly #session: ThreadSession;
  readonly #steps = new Map<number, { readonly state: number; readonly done: Promise<void> }>();
  #keepAlive: NodeJS.Timeout | undefined;
  #reclaimedAtMs = 0;

  constructor(session: ThreadSession) {
    this.#session = session;
  }

  /** Whether a lease is granted still, as far as its record tells. */
  isGranted({ address, state }: LeasePlace): boolean {
    return Atomics.load(this.#session.words, address / 4) === (state | 0);
  }

  /**
   * Waits for one step at most: resolves when the lease has ended or may have lost its meaning, or
   * to `undefined` when there is nothing new. The caller looks at its own deadline in between.
   */
  async step(place: LeasePlace, namespaceId: number): Promise<LeaseEnding | undefined> {
    if (this.isGranted(place)) {
      if (this.#isSuspect(place, namespaceId)) return OVER;
      await this.#shared(place);
    }
    return this.isGranted(place) ? undefined : this.#ending(place);
  }

  /** Whether its time is over, or its namespace was cleared: who asks may be granted the lease. */
  #isSuspect({ address }: LeasePlace, namespaceId: number): boolean {
    const { view } = this.#session.arena;
    if (
      view.getUint32(address + LEASE_EPOCH, true) !== namespaceEpoch(this.#session, namespaceId)
    ) {
      return true;
    }
    return view.getFloat64(address + LEASE_EXPIRES_MS, true) <= this.#session.nowMs();
  }

  #shared(place: LeasePlace): Promise<void> {
    const running = this.#steps.get(place.address);
    if (running !== undefined && running.state === place.state) return running.done;
    const entry = { state: place.state, done: this.#wait(place) };
    this.#steps.set(place.address, entry);
    this.#keepAlive ??= setInterval(() => undefined, KEEP_ALIVE_MS);
    void entry.done.then(() => this.#forget(place.address, entry.done));
    return entry.done;
  }

  #forget(address: number, done: Promise<void>): void {
    if (this.#steps.get(address)?.done === done) this.#steps.delete(address);
    if (this.#steps.size > 0) return;
    clearInterval(this.#keepAlive);
    this.#keepAlive = undefined;
  }

  async #wait({ address, state }: LeasePlace): Promise<void> {
    const { arena, words } = this.#session;
    const expiresMs = arena.view.getFloat64(address + LEASE_EXPIRES_MS, true);
    const leftMs = Math.max(1, Math.ceil(expiresMs - this.#session.nowMs()));
    const stepMs = Math.min(STEP_MS_MAX, leftMs);
    const wait = atomics.waitAsync(words, address / 4, state | 0, stepMs);
    if (!wait.async || (await wait.value) !== 'timed-out') return;
    // Nothing came for so long: whoever has the lease may be dead.
    const nowMs = performance.now();
    if (nowMs - this.#reclaimedAtMs < STEP_MS_MAX) return;
    this.#reclaimedAtMs = nowMs;
    reclaimDeadThreads(arena);
  }

  /** How the lease ended; `over` also when its record was used again before this look. */
  #ending({ address, state }: LeasePlace): LeaseEnding {
    const { arena, words, buffer } = this.#session;
    const index = address / 4;
    const ended = (state + 1) | 0;
    if (Atomics.load(words, index) !== ended) return OVER;
    const outcome = arena.view.getUint32(address + LEASE_OUTCOME, true);
    if (outcome !== LEASE_FAILED && outcome !== LEASE_EMPTY) return OVER;
    const bytes = arena.view.getUint16(address + LEASE_TEXT_BYTES, true);
    const from = address + LEASE_TEXT;
    const message = buffer.toString('utf8', from, from + Math.min(bytes, LEASE_TEXT_BYTES_MAX));
    // A read-modify-write: no load before it can be taken for one after it.
    if (Atomics.or(words, index, 0) !== ended) return OVER;
    return outcome === LEASE_EMPTY ? EMPTY : { kind: 'failed', message };
  }
}
