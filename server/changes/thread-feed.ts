import type { Change, ChangeFeed } from './change-feed.js';

/** The feed of a service of one thread. */
export class ThreadFeed implements ChangeFeed {
  private readonly listeners = new Set<(change: Change) => void>();

  get isWatched(): boolean {
    return this.listeners.size > 0;
  }

  publish(change: Change): void {
    for (const listener of this.listeners) listener(change);
  }

  listen(listener: (change: Change) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
