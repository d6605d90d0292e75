/**
 * An arena for tests of the core: tiny pages, a hand-driven clock, snapshots, and access to every
 * field. `CoreThread` is one thread's access to it.
 */
import { readFileSync } from 'node:fs';
import { type Arena, attachArena, createArena } from '../../native-free-core/arena.js';
import {
  PAGE_ENTRY_BYTES,
  PAGE_STATE,
  SHARD_FREE_PAGES,
  SHARD_HOME,
  SHARD_ITEMS,
  SHARD_OWNER,
  SHARD_PAGE_COUNT,
} from '../../native-free-core/assembly/layout.js';
import { type ArenaPlan, type EvictionKind, planArena } from '../../native-free-core/plan.js';
import { verifyReachable, verifyShard } from '../../native-free-core/verify-report.js';
import { CoreThread } from './core-thread.js';
import { FakeClock } from './fake-clock.js';

/** Builds of the core, by the name of their file. */
export type CoreBuild = 'core' | 'core-trap' | 'core-weak';

const REPORT_BYTES = 512;
const KIB = 1_024;

const modules = new Map<CoreBuild, WebAssembly.Module>();

/** The compiled core of a build, loaded once. */
export function coreModule(build: CoreBuild): WebAssembly.Module {
  let module = modules.get(build);
  if (module === undefined) {
    const path = new URL(`../../native-free-core/${build}.wasm`, import.meta.url);
    module = new WebAssembly.Module(readFileSync(path));
    modules.set(build, module);
  }
  return module;
}

export interface CoreArenaOptions {
  readonly build?: CoreBuild;
  /** Default 1 MiB. */
  readonly limitBytes?: number;
  readonly pageBytes?: number;
  readonly shardCount?: number;
  readonly threadSlotCount?: number;
  readonly entryCountMax?: number;
  /** Default `'lru'`. */
  readonly eviction?: EvictionKind;
  readonly hashSeed?: bigint;
}

/** A store of the whole memory and the time of one moment. */
export interface CoreSnapshot {
  readonly bytes: Uint8Array;
  readonly nowMs: number;
}

export class CoreArena {
  readonly plan: ArenaPlan;
  readonly creator: Arena;
  readonly build: CoreBuild;
  readonly hashSeed: bigint;
  clock: FakeClock = new FakeClock();
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;

  constructor(options: CoreArenaOptions = {}) {
    this.build = options.build ?? 'core';
    this.hashSeed = options.hashSeed ?? 0x0123_4567_89ab_cdefn;
    this.plan = planArena({
      limitBytes: options.limitBytes ?? KIB * KIB,
      shardCount: options.shardCount ?? 1,
      threadSlotCount: options.threadSlotCount ?? 4,
      entryCountMax: options.entryCountMax ?? Number.POSITIVE_INFINITY,
      pageBytes: options.pageBytes ?? 4 * KIB,
      eviction: options.eviction ?? 'lru',
    });
    const module = coreModule(this.build);
    this.creator = createArena(this.plan, module, this.host, this.hashSeed);
    this.bytes = new Uint8Array(this.creator.buffer);
    this.words = new Int32Array(this.creator.buffer);
    this.view = this.creator.view;
  }

  /** Every instance asks the clock that the arena has at that moment. */
  private readonly host = { nowMs: (): number => this.clock.nowMs() };

  /** A further instance of the core over the same memory; attached to no thread slot. */
  instantiate(build: CoreBuild = this.build): Arena {
    const handle = { memory: this.creator.handle.memory, module: coreModule(build) };
    const arena = attachArena(handle, this.host);
    if (arena === undefined) throw new Error('the memory holds no arena');
    return arena;
  }

  /** Attaches a thread with an instance of its own; throws when the core refuses. */
  attach(build: CoreBuild = this.build, countsAsCaller = 1): CoreThread {
    const arena = this.instantiate(build);
    const id = arena.core.attachThread(0, 0, countsAsCaller);
    if (id < 0) throw new Error(`attachThread answered ${id}`);
    return new CoreThread(this, arena, id);
  }

  /** Another instance that acts as a thread which is attached already, as after its death. */
  impersonate(id: number, build: CoreBuild = this.build): CoreThread {
    const arena = this.instantiate(build);
    arena.core.bindThread(id);
    return new CoreThread(this, arena, id);
  }

  snapshot(): CoreSnapshot {
    return { bytes: this.bytes.slice(), nowMs: this.clock.nowMs() };
  }

  /** Brings memory and time back; instances stay usable, as all their state is in the memory. */
  restore(snapshot: CoreSnapshot): void {
    this.bytes.set(snapshot.bytes);
    this.clock = new FakeClock(snapshot.nowMs);
  }

  /** Broken invariants of all shards, each with the number of its shard. */
  verify(): string[] {
    return this.inspect((shard, at) => verifyShard(this.creator, shard, at));
  }

  /** Broken invariants of what readers can reach. */
  verifyReachable(): string[] {
    return this.inspect((shard, at) => verifyReachable(this.creator, shard, at));
  }

  private inspect(check: (shard: number, reportAddress: number) => string[]): string[] {
    const findings: string[] = [];
    // The end of the memory lies behind the last page: nobody uses it.
    const reportAddress = this.plan.limitBytes - REPORT_BYTES;
    for (let shard = 0; shard < this.plan.shardCount; shard++) {
      for (const text of check(shard, reportAddress)) findings.push(`shard ${shard}: ${text}`);
    }
    this.bytes.fill(0, reportAddress);
    return findings;
  }

  shardAddress(shard: number): number {
    return this.plan.shardsOffset + shard * this.plan.shardBytes;
  }

  /** Stripes are the last part of a shard's header. */
  stripeAddress(shard: number, hash: bigint): number {
    const first = this.shardAddress(shard + 1) - this.plan.stripeCount * 4;
    return first + Number(hash & BigInt(this.plan.stripeCount - 1)) * 4;
  }

  shardU32(shard: number, offset: number): number {
    return this.view.getUint32(this.shardAddress(shard) + offset, true);
  }

  shardU64(shard: number, offset: number): number {
    return Number(this.view.getBigUint64(this.shardAddress(shard) + offset, true));
  }

  items(shard = 0): number {
    return this.shardU32(shard, SHARD_ITEMS);
  }

  /** A 64-bit counter summed over all shards. */
  total(offset: number): number {
    let sum = 0;
    for (let shard = 0; shard < this.plan.shardCount; shard++) sum += this.shardU64(shard, offset);
    return sum;
  }

  freePages(shard = 0): number {
    return this.shardU32(shard, SHARD_FREE_PAGES);
  }

  pageCount(shard = 0): number {
    return this.shardU32(shard, SHARD_PAGE_COUNT);
  }

  pageEntry(page: number): number {
    return this.plan.directoryOffset + page * PAGE_ENTRY_BYTES;
  }

  pageKind(page: number): number {
    return this.view.getUint32(this.pageEntry(page) + PAGE_STATE, true) >>> 24;
  }

  /** Number of pages of a kind in the whole arena. */
  countPages(kind: number): number {
    let count = 0;
    for (let page = 0; page < this.plan.pageCount; page++) {
      if (this.pageKind(page) === kind) count += 1;
    }
    return count;
  }

  pageAddress(page: number): number {
    return this.plan.pagesOffset + page * this.plan.pageBytes;
  }

  pageOf(address: number): number {
    return Math.floor((address - this.plan.pagesOffset) / this.plan.pageBytes);
  }

  setHome(shard: number, threadId: number | undefined): void {
    const home = threadId === undefined ? 0 : threadId + 1;
    Atomics.store(this.words, (this.shardAddress(shard) + SHARD_HOME) / 4, home);
  }

  /** Makes a shard look held: by a thread of that slot, or by one that nobody is. */
  hold(shard: number, threadId = this.plan.threadSlotCount, generation = 1): void {
    const mark = (threadId + 1) | (generation << 8);
    Atomics.store(this.words, (this.shardAddress(shard) + SHARD_OWNER) / 4, mark);
  }

  letGo(shard: number): void {
    Atomics.store(this.words, (this.shardAddress(shard) + SHARD_OWNER) / 4, 0);
  }
}
