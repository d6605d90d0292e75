export type { Duration, Ttl } from './duration.js';
export { attachEngine, createEngine, type Engine } from './engine.js';
export type { EngineListener } from './engine-emitter.js';
export type {
  EngineEvents,
  ShardRecoveredEvent,
  WorkerHungEvent,
  WorkerLostEvent,
  WriteFailedEvent,
} from './engine-events.js';
export type { EngineHandle } from './engine-handle.js';
export type { EngineStats, ShardStats, SizeClassStats, ThreadStats } from './engine-stats.js';
export { CacheError, type CacheErrorCode, ERROR_CODES, type ErrorCodeEntry } from './errors.js';
export type { ExpirationResult, InvalidationResult, Keyspace } from './keyspace.js';
export type { Lease, LeaseOutcome } from './leases/lease.js';
export type { LeaseOptions, LoadContext, Loader, LoadOptions } from './leases/lease-options.js';
export type { IncrementOptions } from './numbers/increment.js';
export type { SetIfOptions } from './numbers/set-if.js';
export type {
  CodecOption,
  EngineClock,
  EngineOptions,
  EvictionOption,
  NearCacheOption,
  PersistenceOption,
  WritesOption,
} from './options.js';
export type { LoadReport } from './persistence/load-checkpoint.js';
export type { PersistenceEvent } from './persistence/persistence-event.js';
export type { CheckpointReport } from './persistence/write-checkpoint.js';
export type { EntryMeta, ReadState } from './reads/entry-meta.js';
export type { EntryView } from './reads/entry-view.js';
export type { ResizeOptions, ResizeResult } from './resize-options.js';
export type { KeyPage, KeyPageOptions } from './scans/key-page.js';
export type { KeyFilter } from './scans/key-pattern.js';
export type { ScanOptions } from './scans/scan-options.js';
export type { ScanOperation, ScanProgress } from './scans/scan-progress.js';
export type { SetOptions } from './set-options.js';
export type { InvalidateTagsOptions } from './tags/tag-match.js';
