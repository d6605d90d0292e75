import { BroadcastChannel } from 'node:worker_threads';
import type { Change } from './change-feed.js';
import { type ChangeBatch, type FeedLink, FeedState, GAP } from './feed-link.js';

/** Changes of one turn of the event loop that are told one by one; more become a gap. */
const BATCH_CHANGES_MAX = 4_096;
/** Batches that may wait for a thread that does not get to them. */
const BACKLOG_BATCHES_MAX = 1_024;
/** While a thread is that far behind, so often are all threads told of a gap instead. */
const GAP_INTERVAL_MS = 100;

/**
 * One thread's end of the link to the others. The changes of one turn of the event loop go as one
 * message. What waits for a thread that is stuck is bounded: beyond it nothing is lost silently,
 * all listeners are told that they may have missed something.
 */
export class FeedEnd {
  private readonly state: FeedState;
  private readonly slot: number;
  private readonly channel: BroadcastChannel;
  private waiting: Change[] = [];
  private isScheduled = false;
  private isOpen = true;

  /** @param deliver told of the changes of other threads; must not throw */
  constructor(link: FeedLink, deliver: (change: Change) => void) {
    this.state = new FeedState(link);
    this.slot = link.slot;
    // Before its state says that it is open: what comes in between is counted twice, not missed.
    this.channel = new BroadcastChannel(link.channel);
    this.channel.onmessage = (message: unknown): void => {
      this.state.noteReceived(this.slot);
      for (const change of (message as { data: ChangeBatch }).data) deliver(change);
    };
    this.channel.unref();
    this.state.open(this.slot);
  }

  /** Whether anybody in any thread listens. */
  get isWatched(): boolean {
    return this.state.isWatched;
  }

  setWatching(isWatching: boolean): void {
    if (this.isOpen) this.state.setWatching(this.slot, isWatching);
  }

  publish(change: Change): void {
    if (!this.isOpen || !this.state.isWatchedBeside(this.slot)) return;
    // One more than fits, so that sending finds out that there were too many.
    if (this.waiting.length <= BATCH_CHANGES_MAX) this.waiting.push(change);
    if (this.isScheduled) return;
    this.isScheduled = true;
    if (this.isOverloaded) setTimeout(this.send, GAP_INTERVAL_MS);
    else setImmediate(this.send);
  }

  /** Sends what waits, and neither sends nor receives from then on. */
  close(): void {
    if (!this.isOpen) return;
    this.send();
    this.isOpen = false;
    this.state.close(this.slot);
    this.channel.close();
  }

  private get isOverloaded(): boolean {
    return this.state.backlogBatches > BACKLOG_BATCHES_MAX;
  }

  private readonly send = (): void => {
    this.isScheduled = false;
    const changes = this.waiting;
    this.waiting = [];
    if (changes.length === 0 || !this.isOpen) return;
    const isTooMuch = changes.length > BATCH_CHANGES_MAX || this.isOverloaded;
    const batch: ChangeBatch = isTooMuch ? [GAP] : changes;
    this.state.noteSent(this.slot);
    this.channel.postMessage(batch);
  };
}
