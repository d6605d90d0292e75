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
  /** False when it died too often to be started again. */
  readonly restarted: boolean;
  readonly error: Error | undefined;
}

const writeFailed = channel('hotshard:write-failed');
const workerLost = channel('hotshard:worker-lost');

/** Publishes on the diagnostics channel `hotshard:write-failed`. */
export function publishWriteFailed(event: WriteFailedEvent): void {
  if (writeFailed.hasSubscribers) writeFailed.publish(event);
}

/** Publishes on the diagnostics channel `hotshard:worker-lost`. */
export function publishWorkerLost(event: WorkerLostEvent): void {
  if (workerLost.hasSubscribers) workerLost.publish(event);
}
