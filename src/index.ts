export type { Duration, Ttl } from './duration.js';
export { attachEngine, createEngine, type Engine } from './engine.js';
export type { WorkerLostEvent, WriteFailedEvent } from './engine-events.js';
export type { EngineHandle } from './engine-handle.js';
export type { EngineStats, ShardStats, ThreadStats } from './engine-stats.js';
export { CacheError, type CacheErrorCode, ERROR_CODES, type ErrorCodeEntry } from './errors.js';
export type { EntryMeta, Keyspace, ReadState, SetOptions } from './keyspace.js';
export type {
  CodecOption,
  EngineClock,
  EngineOptions,
  EvictionOption,
  WritesOption,
} from './options.js';
export type { EntryView } from './reads/entry-view.js';
