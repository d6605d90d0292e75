// Binding of the core: creates an arena in fresh shared memory, or attaches to one that another
// thread created. Knows no files, timers or threads: the module and the clock are handed in.

import {
  ARENA_LAYOUT_VERSION,
  ARENA_MAGIC,
  HEADER_CLASS_LOOKUP,
  HEADER_DIRECTORY,
  HEADER_FILTER_BLOCKS,
  HEADER_FILTER_PAGES,
  HEADER_HASH_SEED,
  HEADER_INLINE_BYTES,
  HEADER_LIMIT_BYTES,
  HEADER_MAGIC,
  HEADER_MAX_VALUE_BYTES,
  HEADER_NAMES,
  HEADER_NAMES_BYTES,
  HEADER_NAMESPACES,
  HEADER_PAGE_BYTES,
  HEADER_PAGE_CHANGES,
  HEADER_PAGE_COUNT,
  HEADER_PAGE_SHIFT,
  HEADER_PAGES,
  HEADER_POLICY,
  HEADER_ROUTING,
  HEADER_SCRATCH_BYTES,
  HEADER_SHADOW_ENTRIES,
  HEADER_SHARD_BYTES,
  HEADER_SHARD_COUNT,
  HEADER_SHARDS,
  HEADER_STAMPS,
  HEADER_STRIPES,
  HEADER_THREAD_BYTES,
  HEADER_THREAD_SLOTS,
  HEADER_THREADS,
  HEADER_TIME_MS,
  HEADER_VERSION,
} from './assembly/layout.js';
import type { CoreExports, CoreHost } from './core-exports.js';
import { type ArenaPlan, WASM_PAGE_BYTES } from './plan.js';

/** The memory of an arena and the compiled core: structured-cloneable, so it reaches any thread. */
export interface ArenaHandle {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
}

/** One thread's access to an arena. */
export interface Arena {
  readonly handle: ArenaHandle;
  readonly core: CoreExports;
  readonly buffer: SharedArrayBuffer;
  readonly view: DataView;
}

/** A module of one function that executes `atomic.fence`; its compiler drops it elsewhere. */
const FENCE_MODULE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x03, 0x02,
  0x01, 0x00, 0x07, 0x09, 0x01, 0x05, 0x66, 0x65, 0x6e, 0x63, 0x65, 0x00, 0x00, 0x0a, 0x07, 0x01,
  0x05, 0x00, 0xfe, 0x03, 0x00, 0x0b,
]);

function instantiate(handle: ArenaHandle, host: CoreHost): CoreExports {
  const fence = new WebAssembly.Instance(new WebAssembly.Module(FENCE_MODULE)).exports['fence'];
  const instance = new WebAssembly.Instance(handle.module, {
    env: { memory: handle.memory },
    host: { nowMs: () => host.nowMs(), fence: fence as () => void },
  });
  return instance.exports as unknown as CoreExports;
}

function open(handle: ArenaHandle, host: CoreHost): Arena {
  const buffer = handle.memory.buffer as SharedArrayBuffer;
  return { handle, core: instantiate(handle, host), buffer, view: new DataView(buffer) };
}

function writeHeader(view: DataView, plan: ArenaPlan, hashSeed: bigint): void {
  const words: readonly (readonly [number, number])[] = [
    [HEADER_VERSION, ARENA_LAYOUT_VERSION],
    [HEADER_LIMIT_BYTES, plan.limitBytes],
    [HEADER_SHARD_COUNT, plan.shardCount],
    [HEADER_THREAD_SLOTS, plan.threadSlotCount],
    [HEADER_PAGE_BYTES, plan.pageBytes],
    [HEADER_PAGE_SHIFT, plan.pageShift],
    [HEADER_SCRATCH_BYTES, plan.scratchBytes],
    [HEADER_ROUTING, plan.routingOffset],
    [HEADER_NAMESPACES, plan.namespacesOffset],
    [HEADER_NAMES, plan.namesOffset],
    [HEADER_NAMES_BYTES, plan.namesBytes],
    [HEADER_STAMPS, plan.stampsOffset],
    [HEADER_THREADS, plan.threadsOffset],
    [HEADER_THREAD_BYTES, plan.threadBytes],
    [HEADER_DIRECTORY, plan.directoryOffset],
    [HEADER_PAGE_CHANGES, plan.changesOffset],
    [HEADER_PAGE_COUNT, plan.pageCount],
    [HEADER_PAGES, plan.pagesOffset],
    [HEADER_SHARDS, plan.shardsOffset],
    [HEADER_SHARD_BYTES, plan.shardBytes],
    [HEADER_STRIPES, plan.stripeCount],
    [HEADER_INLINE_BYTES, plan.inlineBytes],
    [HEADER_CLASS_LOOKUP, plan.classLookupOffset],
    [HEADER_MAX_VALUE_BYTES, plan.valueBytesMax],
    [HEADER_POLICY, plan.policy],
    [HEADER_FILTER_PAGES, plan.filterPageCountMax],
    [HEADER_FILTER_BLOCKS, plan.filterBlockCount],
    [HEADER_SHADOW_ENTRIES, plan.shadowEntryCount],
  ];
  for (const [offset, value] of words) view.setUint32(offset, value, true);
  view.setBigUint64(HEADER_HASH_SEED, hashSeed, true);
  view.setFloat64(HEADER_TIME_MS, Number.POSITIVE_INFINITY, true);
}

/** Creates an arena; `hashSeed` should be random, so that nobody can choose keys that collide. */
export function createArena(
  plan: ArenaPlan,
  module: WebAssembly.Module,
  host: CoreHost,
  hashSeed: bigint,
): Arena {
  const pages = plan.limitBytes / WASM_PAGE_BYTES;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const arena = open({ memory, module }, host);
  writeHeader(arena.view, plan, hashSeed);
  // No arena holds as many items as 32 bits count: a larger bound is none.
  arena.core.createArena(plan.entryCountMax < 2 ** 32 ? plan.entryCountMax : 0);
  // Last: who sees the magic sees a complete arena.
  Atomics.store(new Uint32Array(arena.buffer), HEADER_MAGIC / 4, ARENA_MAGIC);
  return arena;
}

/** Maps an arena that exists; `undefined` when the memory holds none of this layout version. */
export function attachArena(handle: ArenaHandle, host: CoreHost): Arena | undefined {
  const words = new Uint32Array(handle.memory.buffer);
  if (Atomics.load(words, HEADER_MAGIC / 4) !== ARENA_MAGIC) return undefined;
  if (words[HEADER_VERSION / 4] !== ARENA_LAYOUT_VERSION) return undefined;
  const arena = open(handle, host);
  arena.core.bindArena();
  return arena;
}
