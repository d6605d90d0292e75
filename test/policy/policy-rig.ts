/** One arena, one thread and one shard under a policy, driven as a cache-aside caller does. */
import { FILTER_BLOCK_ENTRIES, SHARD_PAGES_MOVED } from '../../native-free-core/assembly/layout.js';
import type { EvictionKind } from '../../native-free-core/plan.js';
import { STATUS_MISS, STATUS_OK } from '../../native-free-core/status.js';
import { CoreArena, type CoreArenaOptions } from '../support/core-arena.js';
import type { CoreThread } from '../support/core-thread.js';

export const POLICIES: readonly EvictionKind[] = ['lru', 'lfu', 's3fifo'];

/** A read that is no access. */
const NO_TOUCH = 1;

export class PolicyRig {
  readonly arena: CoreArena;
  readonly thread: CoreThread;

  constructor(options: CoreArenaOptions) {
    this.arena = new CoreArena(options);
    this.thread = this.arena.attach();
  }

  get items(): number {
    return this.arena.items();
  }

  /** A 32-bit field of the shard's header. */
  shardField(offset: number): number {
    return this.arena.view.getUint32(this.arena.shardAddress(0) + offset, true);
  }

  get pagesMoved(): number {
    return this.arena.total(SHARD_PAGES_MOVED);
  }

  /** Blocks of a page of the filter that a shard bounded by so many entries uses. */
  filterBlocksInUse(entryCountMax: number): number {
    let needed = 1;
    while (needed * FILTER_BLOCK_ENTRIES < entryCountMax) needed *= 2;
    return Math.min(needed, this.arena.plan.filterBlockCount);
  }

  /** True for a hit, which counts as an access. */
  get(key: string): boolean {
    return this.thread.read(key) === STATUS_OK;
  }

  set(key: string, valueBytes = 8, ttlMs: number = Number.POSITIVE_INFINITY): void {
    const { status } = this.thread.set(key, new Uint8Array(valueBytes), { ttlMs });
    if (status !== STATUS_OK) throw new Error(`set answered ${status}`);
  }

  /** A request: a hit, or a miss followed by storing the key. True is a hit. */
  access(key: string, valueBytes = 8): boolean {
    if (this.get(key)) return true;
    this.set(key, valueBytes);
    return false;
  }

  /** Whether the key is there; no access. */
  holds(key: string): boolean {
    const status = this.thread.read(key, 0, NO_TOUCH);
    if (status !== STATUS_OK && status !== STATUS_MISS) throw new Error(`read answered ${status}`);
    return status === STATUS_OK;
  }

  /** Throws when an invariant of the shard is broken. */
  verify(): void {
    const findings = this.arena.verify();
    if (findings.length > 0) throw new Error(findings.join('\n'));
  }
}
