// Recovery of shards whose holder ended or was cut off in the middle of a change: the core does
// both steps (assembly/recovery.ts); here is who calls it, and what it was like.

import type { Arena } from '../native-free-core/arena.js';
import {
  HEADER_SHARD_BYTES,
  HEADER_SHARD_COUNT,
  HEADER_SHARDS,
  HEADER_THREAD_SLOTS,
  OWNER_RECOVERS,
  SHARD_OWNER,
  SHARD_RECOVERY_COUNT,
  SHARD_RECOVERY_DROPPED,
  SHARD_RECOVERY_HOLDER,
  SHARD_RECOVERY_KEPT,
  SHARD_RECOVERY_READS_MS,
  SHARD_RECOVERY_REASON,
  SHARD_RECOVERY_STARTED_MS,
  SHARD_RECOVERY_WRITES_MS,
  THREAD_FREE,
  THREAD_STATE,
} from '../native-free-core/assembly/layout.js';
import { slotAddress } from './doorbell.js';

/** One recovery of a shard that has ended. */
export interface RecoveryReport {
  readonly shardIndex: number;
  /** The holder's thread ended, or lives on and was cut off inside a call. */
  readonly reason: 'thread-died' | 'cut-off';
  /** Thread slot of the holder. */
  readonly threadId: number;
  readonly entriesKept: number;
  /** Items that no key led to any more, or not yet. */
  readonly entriesDropped: number;
  /** Milliseconds from its beginning until all reads were served again. */
  readonly readsMs: number;
  /** Milliseconds from its beginning until writes were applied again. */
  readonly writesMs: number;
}

/** Slices of one turn of the event loop: about two milliseconds. */
const SLICES_PER_TURN = 10;
const REASON_CUT_OFF = 2;

function shardAddress(arena: Arena, shard: number): number {
  const { view } = arena;
  return view.getUint32(HEADER_SHARDS, true) + shard * view.getUint32(HEADER_SHARD_BYTES, true);
}

function shardCount(arena: Arena): number {
  return arena.view.getUint32(HEADER_SHARD_COUNT, true);
}

/** What the last recovery of a shard was like; `undefined` when there was none. */
export function lastRecovery(arena: Arena, shardIndex: number): RecoveryReport | undefined {
  const { view } = arena;
  const shard = shardAddress(arena, shardIndex);
  if (view.getUint32(shard + SHARD_RECOVERY_COUNT, true) === 0) return undefined;
  const startedMs = view.getFloat64(shard + SHARD_RECOVERY_STARTED_MS, true);
  const isCutOff = view.getUint32(shard + SHARD_RECOVERY_REASON, true) === REASON_CUT_OFF;
  return {
    shardIndex,
    reason: isCutOff ? 'cut-off' : 'thread-died',
    threadId: view.getUint32(shard + SHARD_RECOVERY_HOLDER, true) - 1,
    entriesKept: view.getUint32(shard + SHARD_RECOVERY_KEPT, true),
    entriesDropped: view.getUint32(shard + SHARD_RECOVERY_DROPPED, true),
    readsMs: view.getFloat64(shard + SHARD_RECOVERY_READS_MS, true) - startedMs,
    writesMs: view.getFloat64(shard + SHARD_RECOVERY_WRITES_MS, true) - startedMs,
  };
}

/**
 * Tells of recoveries once they have ended, whichever thread did them. A shard that was recovered
 * twice between two looks is told of once.
 */
export class RecoveryWatch {
  readonly #arena: Arena;
  readonly #seen: number[];

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#seen = Array.from({ length: shardCount(arena) }, (_, shard) => this.#count(shard));
  }

  /** Those that have ended since the last call. */
  take(): RecoveryReport[] {
    return this.#seen.flatMap((seen, shard) => {
      const count = this.#count(shard);
      if (count === seen) return [];
      this.#seen[shard] = count;
      return lastRecovery(this.#arena, shard) ?? [];
    });
  }

  #count(shard: number): number {
    return this.#arena.view.getUint32(
      shardAddress(this.#arena, shard) + SHARD_RECOVERY_COUNT,
      true,
    );
  }
}

/** Slices for what this thread recovers, or hands over to home workers; true when some is left. */
function recoverSome(arena: Arena): boolean {
  const { core } = arena;
  let isLeft = false;
  for (let shard = 0; shard < shardCount(arena); shard++) {
    for (let slice = 0; slice < SLICES_PER_TURN; slice++) {
      if (core.recoverSlice(shard) <= 0) break;
      if (slice === SLICES_PER_TURN - 1) isLeft = true;
    }
  }
  return isLeft;
}

/** What is to be done when the recoveries of this thread have ended, by arena. */
const running = new WeakMap<Arena, (() => void)[]>();
/** Whom this thread tells that recoveries of its may have ended, by arena. */
const listeners = new WeakMap<Arena, () => void>();

/** Calls the listener whenever recoveries that this thread began have ended or were handed over. */
export function onRecoveriesEnded(arena: Arena, listener: () => void): void {
  listeners.set(arena, listener);
}

function callAll(arena: Arena, ends: readonly (() => void)[]): void {
  for (const end of ends) end();
  listeners.get(arena)?.();
}

/**
 * Ends the recoveries that this thread has begun, between other events, or leaves them to home
 * workers; then calls `onEnd`. Does not keep the process alive.
 */
export function goOnRecovering(arena: Arena, onEnd: () => void = () => undefined): void {
  const waiting = running.get(arena);
  if (waiting !== undefined) {
    waiting.push(onEnd);
    return;
  }
  if (!recoverSome(arena)) {
    callAll(arena, [onEnd]);
    return;
  }
  const ends = [onEnd];
  running.set(arena, ends);
  const turn = (): void => {
    if (recoverSome(arena)) {
      setImmediate(turn).unref();
      return;
    }
    running.delete(arena);
    callAll(arena, ends);
  };
  setImmediate(turn).unref();
}

/** Ends the recoveries that this thread has begun at once, before it leaves. */
export function endRecoveries(arena: Arena): void {
  for (let shard = 0; shard < shardCount(arena); shard++) {
    while (arena.core.recoverSlice(shard) > 0);
  }
}

/** Begins to recover the shards that a thread held that is gone; reads are back. Their numbers. */
export function recoverShards(arena: Arena, threadId: number, generation: number): number[] {
  const recovered: number[] = [];
  for (let shard = 0; shard < shardCount(arena); shard++) {
    if (arena.core.recoverShardOf(shard, threadId, generation) !== 0) recovered.push(shard);
  }
  return recovered;
}

/**
 * Begins to recover shards whose holder has no slot any more: a recovery was left to a thread that
 * ended meanwhile. (A thread gives its slot back after its shards.)
 */
export function recoverOrphans(arena: Arena): void {
  const { view } = arena;
  const words = new Int32Array(arena.buffer);
  const slots = view.getUint32(HEADER_THREAD_SLOTS, true);
  for (let shard = 0; shard < shardCount(arena); shard++) {
    const word = Atomics.load(words, (shardAddress(arena, shard) + SHARD_OWNER) / 4);
    const threadId = (word & (OWNER_RECOVERS - 1)) - 1;
    if (word === 0 || threadId >= slots) continue;
    const state = Atomics.load(words, (slotAddress(arena, threadId) + THREAD_STATE) / 4);
    if (state >>> 8 === word >>> 8 && (state & 255) !== THREAD_FREE) continue;
    arena.core.recoverShardOf(shard, threadId, word >>> 8);
  }
}
