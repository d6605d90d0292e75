import { randomUUID } from 'node:crypto';
import { BroadcastChannel } from 'node:worker_threads';
import type { Change } from './change-feed.js';

/**
 * What connects the feed of one thread with those of the others. It can be handed to a thread as
 * its `workerData`; each thread has one of its own, and one that takes the place of a dead thread
 * has its link.
 */
export interface FeedLink {
  /** Of the channel over which batches of changes go. */
  readonly channel: string;
  /** Which of the threads this is, from 0. */
  readonly slot: number;
  readonly slotCount: number;
  readonly shared: SharedArrayBuffer;
}

/** What goes over the channel: the changes of one thread, in order. */
export type ChangeBatch = readonly Change[];

export const GAP: Change = { kind: 'gap' };

const SLOTS_PER_WORD = 32;
const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;

/** Links for so many threads, one for each. */
export function createFeedLinks(threadCount: number): readonly FeedLink[] {
  const channel = `hotshard-changes-${randomUUID()}`;
  const shared = new SharedArrayBuffer(FeedState.sizeBytes(threadCount));
  return Array.from({ length: threadCount }, (_, slot) => {
    return { channel, slot, slotCount: threadCount, shared };
  });
}

/**
 * For the thread that watches over the others, once one of them is dead: its listeners count no
 * more, and all others are told that changes may have been lost, since it may have died between
 * a change and the telling of it. Its link can then be given to a new thread.
 */
export function retireFeedLink(link: FeedLink): void {
  const state = new FeedState(link);
  state.close(link.slot);
  const channel = new BroadcastChannel(link.channel);
  const batch: ChangeBatch = [GAP];
  state.noteSent(link.slot);
  channel.postMessage(batch);
  channel.close();
}

/**
 * What the threads share, one word for each item:
 *
 *     0                   batches sent by all threads, modulo 2^32
 *     1 ..                one bit for each thread: whether it has listeners
 *     behind, per thread  whether its feed is open; batches received, modulo 2^32
 *
 * Whether anybody listens is one word for up to 32 threads: no change costs more where nobody does.
 * A bit belongs to its thread alone, so that of a dead one can be cleared at any time.
 */
export class FeedState {
  private readonly words: Int32Array;
  private readonly maskWords: number;
  private readonly slotCount: number;

  constructor({ shared, slotCount }: FeedLink) {
    this.words = new Int32Array(shared);
    this.maskWords = Math.ceil(slotCount / SLOTS_PER_WORD);
    this.slotCount = slotCount;
  }

  static sizeBytes(slotCount: number): number {
    return (1 + Math.ceil(slotCount / SLOTS_PER_WORD) + 2 * slotCount) * WORD_BYTES;
  }

  /** Whether any thread has listeners. */
  get isWatched(): boolean {
    for (let word = 1; word <= this.maskWords; word++) {
      if (Atomics.load(this.words, word) !== 0) return true;
    }
    return false;
  }

  /** Whether a thread other than this one has listeners. */
  isWatchedBeside(slot: number): boolean {
    for (let word = 1; word <= this.maskWords; word++) {
      const own = word === maskWord(slot) ? maskBit(slot) : 0;
      if ((Atomics.load(this.words, word) & ~own) !== 0) return true;
    }
    return false;
  }

  setWatching(slot: number, isWatching: boolean): void {
    if (isWatching) Atomics.or(this.words, maskWord(slot), maskBit(slot));
    else Atomics.and(this.words, maskWord(slot), ~maskBit(slot));
  }

  /** The thread receives from now on. */
  open(slot: number): void {
    Atomics.store(this.words, this.receivedWord(slot), Atomics.load(this.words, 0));
    Atomics.store(this.words, this.openWord(slot), 1);
  }

  /** The thread neither receives nor listens any more. */
  close(slot: number): void {
    this.setWatching(slot, false);
    Atomics.store(this.words, this.openWord(slot), 0);
  }

  noteSent(slot: number): void {
    Atomics.add(this.words, 0, 1);
    this.noteReceived(slot);
  }

  noteReceived(slot: number): void {
    Atomics.add(this.words, this.receivedWord(slot), 1);
  }

  /** Batches that wait for the slowest thread; off by a few where one has just opened its end. */
  get backlogBatches(): number {
    let backlogBatches = 0;
    for (let slot = 0; slot < this.slotCount; slot++) {
      if (Atomics.load(this.words, this.openWord(slot)) === 0) continue;
      const sent = Atomics.load(this.words, 0);
      const waiting = (sent - Atomics.load(this.words, this.receivedWord(slot))) | 0;
      backlogBatches = Math.max(backlogBatches, waiting);
    }
    return backlogBatches;
  }

  private openWord(slot: number): number {
    return 1 + this.maskWords + 2 * slot;
  }

  private receivedWord(slot: number): number {
    return this.openWord(slot) + 1;
  }
}

function maskWord(slot: number): number {
  return 1 + Math.floor(slot / SLOTS_PER_WORD);
}

function maskBit(slot: number): number {
  return 1 << (slot % SLOTS_PER_WORD);
}
