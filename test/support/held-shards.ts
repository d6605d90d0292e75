/**
 * Shards as a thread leaves them that stopped in the middle of its work: held, with stripes open,
 * with a command taken. And a look at what an engine's memory holds.
 */
import { attachArena } from '../../native-free-core/arena.js';
import {
  HEADER_LIMIT_BYTES,
  HEADER_MAX_VALUE_BYTES,
  HEADER_SHARD_BYTES,
  HEADER_SHARDS,
  HEADER_STRIPES,
  HEADER_THREAD_BYTES,
  HEADER_THREADS,
  RING_DONE,
  RING_TAKEN,
  SHARD_OWNER,
  THREAD_RINGS,
  THREAD_STATE,
} from '../../native-free-core/assembly/layout.js';
import { verifyShard } from '../../native-free-core/verify-report.js';
import type { Engine, EngineHandle } from '../../src/index.js';

/** A word of the arena's header. */
function headerWord(handle: EngineHandle, offset: number): number {
  return new DataView(handle.arena.memory.buffer).getUint32(offset, true);
}

/** Bytes of the largest value that the engine stores. */
export function valueBytesMax(handle: EngineHandle): number {
  return headerWord(handle, HEADER_MAX_VALUE_BYTES);
}

/** Index of a 32-bit word of a shard in the arena's memory. */
export function shardWordIndex(handle: EngineHandle, shard: number, offset: number): number {
  const shardBytes = headerWord(handle, HEADER_SHARD_BYTES);
  return (headerWord(handle, HEADER_SHARDS) + shard * shardBytes + offset) / 4;
}

function slotAddress(handle: EngineHandle, threadId: number): number {
  return headerWord(handle, HEADER_THREADS) + threadId * headerWord(handle, HEADER_THREAD_BYTES);
}

/** What a thread stores into the owner word of a shard that it holds. */
export function ownerMark(handle: EngineHandle, threadId: number): number {
  const state = headerWord(handle, slotAddress(handle, threadId) + THREAD_STATE);
  return (threadId + 1) | ((state >>> 8) << 8);
}

const REPORT_BYTES = 512;
/** An owner word that no thread has. */
export const NOBODY = 0xff;
const HOLD_TRIES_MAX = 10_000_000;

/** Takes a shard from its threads; gives it back by the returned function. */
export function holdShard(handle: EngineHandle, shard: number, mark: number = NOBODY): () => void {
  const words = new Int32Array(handle.arena.memory.buffer);
  const owner = shardWordIndex(handle, shard, SHARD_OWNER);
  for (let tries = 0; tries < HOLD_TRIES_MAX; tries++) {
    if (Atomics.compareExchange(words, owner, 0, mark) === 0) {
      return () => {
        Atomics.compareExchange(words, owner, mark, 0);
      };
    }
  }
  throw new Error(`shard ${shard} stays held by ${Atomics.load(words, owner)}`);
}

/**
 * Takes all shards, so that every write has to wait: in its ring, then on its thread's heap. Only
 * for engines with home workers, which go on where the returned function gives the shards back.
 */
export function holdShards(engine: Engine): () => void {
  const letGo = engine.stats().shards.map((_, shard) => holdShard(engine.handle(), shard));
  return () => {
    for (const release of letGo) release();
  };
}

/** Broken invariants of all shards; other threads may go on meanwhile. */
export function verifyEngine(engine: Engine): string[] {
  const handle = engine.handle();
  const arena = attachArena(handle.arena, { nowMs: () => 0 });
  if (arena === undefined) return ['the memory holds no arena'];
  // The end of the memory lies behind the last page: nobody uses it.
  const reportAddress = headerWord(handle, HEADER_LIMIT_BYTES) - REPORT_BYTES;
  return engine.stats().shards.flatMap((_, shard) => {
    const letGo = holdShard(handle, shard);
    try {
      return verifyShard(arena, shard, reportAddress).map((text) => `shard ${shard}: ${text}`);
    } finally {
      letGo();
    }
  });
}

/** Makes every stripe of a shard look as if its writer were in the middle of a change. */
export function openStripes(handle: EngineHandle, shard: number): () => void {
  const words = new Int32Array(handle.arena.memory.buffer);
  const stripeCount = headerWord(handle, HEADER_STRIPES);
  const end = shardWordIndex(handle, shard, headerWord(handle, HEADER_SHARD_BYTES));
  const add = (): void => {
    for (let stripe = end - stripeCount; stripe < end; stripe++) Atomics.add(words, stripe, 1);
  };
  add();
  return add;
}

/** Makes the oldest waiting command of a thread look as if its holder had begun to apply it. */
export function takeCommand(handle: EngineHandle, threadId: number, shard: number): void {
  const words = new Int32Array(handle.arena.memory.buffer);
  const ring = headerWord(handle, slotAddress(handle, threadId) + THREAD_RINGS + shard * 4);
  const done = words[(ring + RING_DONE) / 4] as number;
  Atomics.store(words, (ring + RING_TAKEN) / 4, done + 1);
}
