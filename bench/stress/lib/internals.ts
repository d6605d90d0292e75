// What programs that make an engine fail need to know of its inside.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Arena, attachArena } from '../../../native-free-core/arena.js';
import {
  HEADER_LIMIT_BYTES,
  HEADER_SHARD_BYTES,
  HEADER_SHARDS,
  HEADER_STRIPES,
  SHARD_OWNER,
} from '../../../native-free-core/assembly/layout.js';
import type { CoreExports } from '../../../native-free-core/core-exports.js';
import { verifyShard } from '../../../native-free-core/verify-report.js';
import type { Engine, EngineHandle } from '../../../src/index.js';
import { reclaimDeadThreads } from '../../../workers/dead-threads.js';

/** From `dist/bench/stress/lib`; this build is not part of the package. */
const TRAP_CORE = fileURLToPath(
  new URL('../../../../native-free-core/core-trap.wasm', import.meta.url),
);
/** An owner word that no thread has. */
const NOBODY = 0xff;
const REPORT_BYTES = 512;

/** The build of the core that stops at the n-th store. */
export function loadTrapCore(): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(TRAP_CORE));
}

/** Key of the environment data that tells home workers to die. */
export const TRAP_WORDS = 'hotshard-stress-trap-words';

interface Session {
  core: CoreExports;
  readonly arena: Arena & { core: CoreExports };
  readonly keys: { encode(key: string): number };
}

/** The session of an engine in this thread. */
export function sessionOf(engine: Engine): Session {
  return (engine as unknown as { readonly session: Session }).session;
}

/** Calls the core through a function that sees every trap. */
export function interceptTraps(engine: Engine, onTrap: (error: unknown) => never): void {
  const session = sessionOf(engine);
  const wrapped: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(session.core)) {
    wrapped[name] = (...args: unknown[]): unknown => {
      try {
        return (member as (...values: unknown[]) => unknown)(...args);
      } catch (error) {
        if (error instanceof WebAssembly.RuntimeError) return onTrap(error);
        throw error;
      }
    };
  }
  session.core = wrapped as unknown as CoreExports;
  session.arena.core = session.core;
}

/** What the supervision of an engine does every second. */
export function reclaim(engine: Engine): void {
  reclaimDeadThreads(sessionOf(engine).arena);
}

/** Shard of a key. */
export function shardOf(engine: Engine, key: string): number {
  const { core, keys } = sessionOf(engine);
  return core.shardOfKey(keys.encode(key), 0);
}

/** Runs an action while this thread holds a shard as nobody does; false when it stays held. */
function whileHeld(handle: EngineHandle, shard: number, action: () => void): boolean {
  const { buffer } = handle.arena.memory;
  const words = new Int32Array(buffer);
  const view = new DataView(buffer);
  const address =
    view.getUint32(HEADER_SHARDS, true) + shard * view.getUint32(HEADER_SHARD_BYTES, true);
  const owner = (address + SHARD_OWNER) / 4;
  const endMs = performance.now() + 10_000;
  while (Atomics.compareExchange(words, owner, 0, NOBODY) !== 0) {
    if (performance.now() > endMs) return false;
  }
  try {
    action();
  } finally {
    Atomics.store(words, owner, 0);
  }
  return true;
}

/** Broken invariants of all shards. */
export function verifyEngine(engine: Engine): string[] {
  const handle = engine.handle();
  const arena = attachArena(handle.arena, { nowMs: () => 0 });
  if (arena === undefined) return ['the memory holds no arena'];
  // The end of the memory lies behind the last page: nobody uses it.
  const reportAddress = arena.view.getUint32(HEADER_LIMIT_BYTES, true) - REPORT_BYTES;
  return engine.stats().shards.flatMap((_, shard) => {
    let findings: string[] = [];
    const wasHeld = whileHeld(handle, shard, () => {
      findings = verifyShard(arena, shard, reportAddress);
    });
    return wasHeld ? findings.map((text) => `shard ${shard}: ${text}`) : [`shard ${shard} is held`];
  });
}

/** Moves all stripes of a shard; nobody may read meanwhile. */
export function setStripes(handle: EngineHandle, shard: number, value: number): boolean {
  const { buffer } = handle.arena.memory;
  const view = new DataView(buffer);
  const shardBytes = view.getUint32(HEADER_SHARD_BYTES, true);
  // Stripes are the last part of a shard.
  const end = (view.getUint32(HEADER_SHARDS, true) + (shard + 1) * shardBytes) / 4;
  const words = new Int32Array(buffer);
  return whileHeld(handle, shard, () => {
    words.fill(value, end - view.getUint32(HEADER_STRIPES, true), end);
  });
}
