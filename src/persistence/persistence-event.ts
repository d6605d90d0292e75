import { channel } from 'node:diagnostics_channel';
import type { LoadReport } from './load-checkpoint.js';
import type { CheckpointReport } from './write-checkpoint.js';

/** What happened to the file of an engine. */
export type PersistenceEvent =
  | { readonly kind: 'loaded'; readonly path: string; readonly report: LoadReport }
  | { readonly kind: 'written'; readonly path: string; readonly report: CheckpointReport }
  /** The file was not used; the engine starts empty. */
  | { readonly kind: 'ignored'; readonly path: string; readonly reason: string }
  /** Pages of the file were damaged; what they held is missing. */
  | { readonly kind: 'damaged'; readonly path: string; readonly reason: string }
  /** The file could not be written; the one before it stays. */
  | { readonly kind: 'write-failed'; readonly path: string; readonly reason: string };

const persistence = channel('hotshard:persistence');

/** Publishes on the diagnostics channel `hotshard:persistence`. */
export function publishPersistence(event: PersistenceEvent): void {
  if (persistence.hasSubscribers) persistence.publish(event);
}

/** Publishes what is amiss, and warns of it: no promise tells. */
export function warnOf(event: Extract<PersistenceEvent, { readonly reason: string }>): void {
  publishPersistence(event);
  const what = { ignored: 'is ignored', damaged: 'is damaged', 'write-failed': 'was not written' };
  process.emitWarning(`hotshard: the file ${event.path} ${what[event.kind]}: ${event.reason}`, {
    type: 'HotshardWarning',
    code: 'HOTSHARD_PERSISTENCE',
  });
}
