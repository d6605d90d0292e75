import type { Change, ChangeFeed } from './change-feed.js';
import { FeedEnd } from './feed-end.js';
import type { FeedLink } from './feed-link.js';

/** The feed of one thread, linked to those of the others where there are any. */
export class ThreadFeed implements ChangeFeed {
  private readonly listeners = new Set<(change: Change) => void>();
  private readonly others: FeedEnd | undefined;

  constructor(link?: FeedLink) {
    this.others = link && new FeedEnd(link, (change) => this.tell(change));
  }

  get isWatched(): boolean {
    return this.listeners.size > 0 || this.others?.isWatched === true;
  }

  publish(change: Change): void {
    this.tell(change);
    this.others?.publish(change);
  }

  listen(listener: (change: Change) => void): () => void {
    this.listeners.add(listener);
    this.others?.setWatching(true);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.others?.setWatching(false);
    };
  }

  /** Sends what waits for other threads, and leaves them. */
  close(): void {
    this.others?.close();
  }

  private tell(change: Change): void {
    for (const listener of this.listeners) listener(change);
  }
}

/** @param link to the feeds of other threads; without one there are none */
export function createThreadFeed(link?: FeedLink): ThreadFeed {
  return new ThreadFeed(link);
}
