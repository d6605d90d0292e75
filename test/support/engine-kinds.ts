/** The ways in which an engine can be set up; tests of the library run on each of them. */
import { afterAll, beforeAll } from 'vitest';
import { attachArena } from '../../native-free-core/arena.js';
import {
  HEADER_LIMIT_BYTES,
  HEADER_MAX_VALUE_BYTES,
  HEADER_SHARD_BYTES,
  HEADER_SHARDS,
  HEADER_THREAD_BYTES,
  HEADER_THREADS,
  SHARD_OWNER,
  THREAD_STATE,
} from '../../native-free-core/assembly/layout.js';
import { verifyShard } from '../../native-free-core/verify-report.js';
import { createEngine, type Engine, type EngineHandle, type EngineOptions } from '../../src/index.js';

/** A name, and what `createEngine` is given. Small arenas soon reach their limits. */
export type EngineKind = readonly [name: string, options: EngineOptions];

export const ENGINE_KINDS: readonly EngineKind[] = [0, 1, 2].flatMap((workers) =>
  (['inplace', 'ring'] as const).map((writes) => [
    `${workers} workers, writes ${writes}`,
    { memory: '8mb', workers, shards: Math.max(1, workers), writes: { kind: writes } },
  ] as const),
);

/** One engine for all tests of a `describe`; each test uses keys of its own. */
export function useEngine(options: EngineOptions): { readonly engine: Engine } {
  let engine: Engine | undefined;
  beforeAll(async () => {
    engine = await createEngine(options);
  });
  afterAll(() => engine?.close());
  return {
    get engine(): Engine {
      if (engine === undefined) throw new Error('the engine is not there yet');
      return engine;
    },
  };
}

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

/** What a thread stores into the owner word of a shard that it holds. */
export function ownerMark(handle: EngineHandle, threadId: number): number {
  const threadBytes = headerWord(handle, HEADER_THREAD_BYTES);
  const slot = headerWord(handle, HEADER_THREADS) + threadId * threadBytes;
  const state = headerWord(handle, slot + THREAD_STATE);
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
