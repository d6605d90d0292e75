import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { PersistenceEvent } from '../../src/index.js';

/** Collects what the diagnostics channel tells from now on. */
export function listen(): { events: PersistenceEvent[]; stop: () => void } {
  const events: PersistenceEvent[] = [];
  const note = (event: unknown): void => {
    events.push(event as PersistenceEvent);
  };
  subscribe('hotshard:persistence', note);
  return { events, stop: () => unsubscribe('hotshard:persistence', note) };
}
