import type { ArenaHandle } from '../native-free-core/arena.js';
import type { Codec } from './codec/codec.js';
import { CacheError } from './errors.js';
import type { ResolvedNearCache, WritesOption } from './options.js';

const HANDLE_KIND = 'hotshard-engine';
const HANDLE_VERSION = 2;

/**
 * What another thread needs to attach to an engine: pass it in `workerData` or by `postMessage`.
 * Structured-cloneable; opaque, its fields may change with any version.
 */
export interface EngineHandle {
  readonly kind: typeof HANDLE_KIND;
  readonly version: number;
  readonly arena: ArenaHandle;
  readonly birthMs: number;
  readonly defaultTtlMs: number;
  readonly codec: Codec['kind'];
  readonly writes: WritesOption['kind'];
  readonly nearCache: ResolvedNearCache;
}

/** A handle with this library's kind and version. */
export function makeHandle(fields: Omit<EngineHandle, 'kind' | 'version'>): EngineHandle {
  return { kind: HANDLE_KIND, version: HANDLE_VERSION, ...fields };
}

/** @throws {CacheError} `ERR_CACHE_INCOMPATIBLE_HANDLE` */
export function checkHandle(value: unknown): EngineHandle {
  const handle = value as Partial<EngineHandle> | null | undefined;
  if (typeof handle !== 'object' || handle === null || handle.kind !== HANDLE_KIND) {
    throw incompatibleHandle('this is not what engine.handle() returns');
  }
  if (handle.version !== HANDLE_VERSION) {
    throw incompatibleHandle(`it has version ${String(handle.version)}, not ${HANDLE_VERSION}`);
  }
  const { arena, birthMs, defaultTtlMs } = handle;
  const isWhole =
    arena?.memory instanceof WebAssembly.Memory &&
    arena.module instanceof WebAssembly.Module &&
    typeof handle.nearCache?.kind === 'string' &&
    typeof birthMs === 'number' &&
    typeof defaultTtlMs === 'number';
  if (!isWhole) throw incompatibleHandle('it lacks fields: pass it whole, by structured clone');
  return handle as EngineHandle;
}

/** `ERR_CACHE_INCOMPATIBLE_HANDLE`; the problem completes the sentence. */
export function incompatibleHandle(problem: string): CacheError {
  return new CacheError('ERR_CACHE_INCOMPATIBLE_HANDLE', `handle: ${problem}`);
}
