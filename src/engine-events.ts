import { channel } from 'node:diagnostics_channel';
import type { CacheError } from './errors.js';

/** A write that failed, refused arguments included; the promise of the call rejects too. */
export interface WriteFailedEvent {
  readonly key: string;
  readonly error: CacheError;
}

/** A home worker that ended without being asked to. */
export interface WorkerLostEvent {
  readonly workerIndex: number;
  /** Shards that the worker held in mid-write; they were started afresh and are empty. */
  readonly shardsReset: readonly number[];
  /** Whether it hung and was terminated; `worker-hung` came before. */
  readonly wasHung: boolean;
  /** False when it died too often to be started again; `resize` tries again. */
  readonly restarted: boolean;
  readonly error: Error | undefined;
}

/** A home worker that stood still in its loop for too long; it is terminated and replaced. */
export interface WorkerHungEvent {
  readonly workerIndex: number;
  /** Milliseconds without a sign of life. */
  readonly silentMs: number;
}

/** A shard whose holder was stopped in the middle of a change, and that serves again. */
export interface ShardRecoveredEvent {
  readonly shard: number;
  /**
   * What happened to the holder: a home worker ended or was terminated because it hung, an attached
   * thread ended, or a live thread was cut off inside a write.
   */
  readonly reason: 'worker-lost' | 'worker-hung' | 'thread-died' | 'cut-off';
  /** Thread slot of the holder. */
  readonly threadId: number;
  /** Position of the home worker; `undefined` for other threads. */
  readonly workerIndex: number | undefined;
}

/** Events of an engine, by name. */
export interface EngineEvents {
  readonly 'shard-recovered': ShardRecoveredEvent;
  readonly 'worker-lost': WorkerLostEvent;
  readonly 'worker-hung': WorkerHungEvent;
}

const writeFailed = channel('hotshard:write-failed');
const channels = {
  'shard-recovered': channel('hotshard:shard-recovered'),
  'worker-lost': channel('hotshard:worker-lost'),
  'worker-hung': channel('hotshard:worker-hung'),
} as const;

/** Publishes on the diagnostics channel `hotshard:write-failed`. */
export function publishWriteFailed(event: WriteFailedEvent): void {
  if (writeFailed.hasSubscribers) writeFailed.publish(event);
}

/** Publishes on the diagnostics channel of the event's name, behind `hotshard:`. */
export function publishEvent<Name extends keyof EngineEvents>(
  name: Name,
  event: EngineEvents[Name],
): void {
  const target = channels[name];
  if (target.hasSubscribers) target.publish(event);
}
