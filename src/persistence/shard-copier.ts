import { setImmediate as nextTurn } from 'node:timers/promises';
import { reclaimDeadThreads } from '../../workers/dead-threads.js';
import { checkpointFailed } from '../errors.js';
import type { ThreadSession } from '../thread-session.js';
import type { ArenaPages } from './arena-pages.js';
import type { PageRecord } from './checkpoint-format.js';
import type { PageSlots } from './page-slots.js';

/** Rounds of copying while others write; then what changed in the last of them waits for nobody. */
const ROUNDS_MAX = 4;
/** Few enough to be copied with the shard held: some hundred microseconds. */
const LAST_PAGES = 8;
/** Steps of 0.1 ms that a shard is waited for at a time. */
const HOLD_STEPS = 20;
const HOLD_TRIES_MAX = 5_000;

/** A shard as it was at one moment. */
export interface ShardImage {
  readonly pages: readonly PageRecord[];
  readonly items: number;
  readonly sequence: number;
}

/** What is noted of the pages in one look at a held shard. */
interface HeldLook {
  readonly items: number;
  readonly sequence: number;
  readonly entries: readonly Omit<PageRecord, 'slot' | 'checksum'>[];
  readonly copies: readonly (readonly [page: number, bytes: Uint8Array])[];
}

/**
 * Copies a shard into a file while threads go on reading and writing: pages that changed since
 * they were copied are copied again; the last of them with the shard held, so that the file shows
 * the shard at one moment.
 */
export class ShardCopier {
  readonly #session: ThreadSession;
  readonly #pages: ArenaPages;
  readonly #slots: PageSlots;
  readonly #shard: number;
  /** Change counts of the copies. */
  readonly #copied = new Map<number, number>();

  constructor(session: ThreadSession, pages: ArenaPages, slots: PageSlots, shard: number) {
    this.#session = session;
    this.#pages = pages;
    this.#slots = slots;
    this.#shard = shard;
  }

  async copy(): Promise<ShardImage> {
    const buffer = new Uint8Array(this.#pages.pageBytes);
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const changed = this.#changed();
      if (changed.length <= LAST_PAGES && round > 0) break;
      for (const page of changed) {
        // Before the bytes: a change from here on makes the copy void.
        const changes = this.#pages.changesOf(page);
        this.#pages.copy(page, buffer);
        await this.#slots.write(page, buffer);
        this.#copied.set(page, changes);
      }
    }
    await this.#hold();
    let look: HeldLook;
    try {
      look = this.#lookHeld();
    } finally {
      this.#session.core.letGoShard(this.#shard);
    }
    for (const [page, bytes] of look.copies) await this.#slots.write(page, bytes);
    const pages = look.entries.map((entry) => ({ ...entry, ...this.#slots.placeOf(entry.page) }));
    return { pages, items: look.items, sequence: look.sequence };
  }

  #changed(): number[] {
    const changed: number[] = [];
    for (const page of this.#pages.inUse(this.#shard)) {
      if (this.#copied.get(page) !== this.#pages.changesOf(page)) changed.push(page);
    }
    return changed;
  }

  async #hold(): Promise<void> {
    for (let tries = 0; tries < HOLD_TRIES_MAX; tries++) {
      if (this.#session.core.holdShard(this.#shard, HOLD_STEPS) !== 0) return;
      // Its holder may be dead.
      reclaimDeadThreads(this.#session.arena);
      await nextTurn();
    }
    throw checkpointFailed(`shard ${this.#shard} stays held by another thread`);
  }

  /** With the shard held: nothing but copies, no code of the user, nothing awaited. */
  #lookHeld(): HeldLook {
    const pages = this.#pages;
    const copies = this.#changed().map((page) => {
      const bytes = new Uint8Array(pages.pageBytes);
      pages.copy(page, bytes);
      return [page, bytes] as const;
    });
    const entries = [...pages.inUse(this.#shard)].map((page) => {
      const state = pages.stateOf(page);
      return { page, state, next: pages.nextOf(page), strideBytes: pages.strideOf(state) };
    });
    const inUse = new Set(entries.map(({ page }) => page));
    for (const page of this.#copied.keys()) {
      if (!inUse.has(page)) this.#slots.drop(page);
    }
    return {
      copies,
      entries,
      items: pages.itemsOf(this.#shard),
      sequence: pages.sequenceOf(this.#shard),
    };
  }
}
