import {
  FLAG_RETURN_OLD,
  ITEM_ENCODING,
  ITEM_VALUE_BYTES,
  OP_INCREMENT,
  OP_LEASE,
  OP_RELEASE,
  RECORD_EPOCH,
  RECORD_EXPIRY_MS,
  RECORD_GUARD,
  RECORD_OLD,
  RECORD_PAGES,
  RECORD_STATUS,
} from '../../native-free-core/assembly/layout.js';
import {
  STATUS_FULL,
  STATUS_OK,
  STATUS_OUTCOME_UNKNOWN,
  STATUS_PENDING,
  STATUS_REFUSED,
  STATUS_TOO_LARGE,
} from '../../native-free-core/status.js';
import { decodeEntry } from '../codec/entry-codec.js';
import { namespaceEpoch } from '../namespace-epoch.js';
import type { NearCache } from '../near-cache/near-cache.js';
import type { ReadGate } from '../read-gate.js';
import { joinRuns, valueRuns } from '../reads/entry-bytes.js';
import type { ThreadSession } from '../thread-session.js';
import { Command } from './command.js';
import { CommandPlacer } from './command-placer.js';
import { Completions } from './completions.js';
import { Fifo } from './fifo.js';
import { releaseOfLostAnswer, STATUS_STAGING } from './interruption.js';
import { Outbox } from './outbox.js';
import { PendingWrites } from './pending-writes.js';

const REFERENCE_BYTES = 8;
/** Commands sent on in one go: timers and I/O have their turn in between. */
const PUMPED_MAX = 1_000;
/** Most bytes of commands that wait on the heap of one thread. */
const QUEUED_BYTES_MAX = 64 * 1_024 * 1_024;

/**
 * Carries the writes of one thread to the shards: in place where a shard is free, else through
 * this thread's ring of that shard, else, when that is full, through a queue on the heap. Commands
 * of one thread keep their order.
 */
export class CommandWriter {
  readonly pending: PendingWrites;
  readonly #session: ThreadSession;
  readonly #near: NearCache | undefined;
  readonly #placer: CommandPlacer;
  readonly #inPlace: boolean;
  readonly #outbox: Outbox;
  readonly #queue = new Fifo<Command>();
  readonly #completions: Completions;
  #spare: Command | undefined;
  #queuedBytes = 0;
  #seenCompletions = 0;
  #isReaping = false;
  #isPumping = false;
  readonly #releases = new Fifo<Command>();
  /** The large value at the head of the queue whose pages are being claimed. */
  #staging: Command | undefined;

  /** `near`: this thread's copies, whose hits the shards learn of before a write makes room. */
  constructor(
    session: ThreadSession,
    gate: ReadGate,
    inPlace: boolean,
    near: NearCache | undefined,
  ) {
    this.#session = session;
    this.#near = near;
    this.#inPlace = inPlace;
    this.#placer = new CommandPlacer(session, inPlace);
    this.pending = new PendingWrites(session, gate);
    this.#outbox = new Outbox(session.shardCount);
    this.#completions = new Completions(
      session,
      () => this.wake(),
      () => this.isPending,
    );
  }

  /**
   * A command to fill in and `run`. One that was carried out at once is given back by `recycle`:
   * a write in place so allocates none.
   */
  draft(): Command {
    const spare = this.#spare;
    if (spare === undefined) return new Command();
    this.#spare = undefined;
    return spare;
  }

  /** Takes back a command that nothing refers to any more. */
  recycle(command: Command): void {
    command.reset();
    this.#spare = command;
  }

  /** `reap` on an empty stack: no call is under way, whatever one that was cut off left behind. */
  wake(): boolean {
    this.#isReaping = false;
    this.#isPumping = false;
    return this.reap();
  }

  /** Whether commands of this thread wait for an answer. */
  get isPending(): boolean {
    return this.#outbox.count > 0 || this.#queue.length > 0 || this.#releases.length > 0;
  }

  /** Bytes of commands that wait on this thread's heap. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /**
   * Carries a command out, or sends it on its way. Returns its status; PENDING when `settle` will
   * be told, which the caller sets before it returns to the event loop; FULL when too much waits.
   */
  run(command: Command): number {
    if (this.#near !== undefined) this.#near.flushTouches();
    // What waits goes first, as far as there is room.
    if (this.#queue.length > 0) this.#pump();
    if (this.#queue.length > 0) return this.#enqueue(command);
    const status = this.#place(command);
    if (status !== STATUS_FULL) return status;
    // Room may be had at once: help the shard if it is free, take in what was answered.
    const { core } = this.#session;
    if (this.#inPlace) core.helpShard(core.commandShard());
    this.reap();
    if (this.#queue.length > 0) return this.#enqueue(command);
    const again = this.#place(command);
    return again === STATUS_FULL ? this.#enqueue(command) : again;
  }

  /** Places a queued command: nobody is there to catch what it throws. */
  #placeQueued(command: Command): number {
    try {
      const status = this.#placer.place(command);
      if (status === STATUS_OUTCOME_UNKNOWN) this.#releaseStaged(command);
      return status;
    } catch {
      this.#releaseStaged(command);
      return STATUS_OUTCOME_UNKNOWN;
    }
  }

  /** Places a command that nothing is waiting before. */
  #place(command: Command): number {
    let status: number;
    try {
      status = this.#placer.place(command);
    } catch (error) {
      this.#releaseStaged(command);
      throw error;
    }
    if (status === STATUS_OK || status === STATUS_REFUSED) {
      if (!command.isPlain) this.#takeOwnAnswer(command, status);
      // What this thread had sent to the shard before was applied first. Its answers are taken
      // in now, or an older pending value would hide this one.
      if (this.#outbox.count > 0) this.reap();
      if (this.pending.count > 0) this.pending.outdate(command.namespaceId, command.key);
      return status;
    }
    return this.#settlePlacing(command, status);
  }

  /** What becomes of a command that was not carried out at once. */
  #settlePlacing(command: Command, status: number): number {
    // A claim of pages that was cut off has given nothing; pages claimed before go back.
    if (status === STATUS_OUTCOME_UNKNOWN) this.#releaseStaged(command);
    if (command.opcode === OP_LEASE) this.#takeLease(command, this.#lastRecord());
    if (status === STATUS_PENDING) this.#track(command);
    if (status === STATUS_STAGING) {
      this.#staging = command;
      this.#push(this.#session.core.commandShard(), command);
      return this.#enqueue(command);
    }
    return status;
  }

  /** Takes the answer of a command that was carried out in place, with its old value. */
  #takeOwnAnswer(command: Command, status: number): void {
    this.#takeAnswer(command, status, this.#lastRecord());
    if ((command.flags & FLAG_RETURN_OLD) !== 0) command.returned = this.#takeOldValue(command);
  }

  /** Takes from an answered record what the command's kind finds there. */
  #takeAnswer(command: Command, status: number, record: number): void {
    if (command.opcode === OP_LEASE) this.#takeLease(command, record);
    if (status !== STATUS_OK) return;
    if (command.opcode === OP_INCREMENT) this.#takeSum(command, record);
    command.scan?.take(this.#session, record);
    command.slice?.take(this.#session.arena.view, record);
  }

  #track(command: Command): void {
    const { core, arena } = this.#session;
    const record = core.commandRecord() >>> 0;
    if (!command.isQueued) {
      command.epoch = arena.view.getUint32(record + RECORD_EPOCH, true);
      command.expiryMs = arena.view.getFloat64(record + RECORD_EXPIRY_MS, true);
    }
    this.#push(core.commandShard(), command);
    // A value in pages is not in the record: reads of this thread need a copy of its own.
    if (command.valueAddress === 0) command.keepPayload();
    // One that waited is known from its call on, and newer ones of its key may be by now.
    if (!command.isQueued) this.pending.add(command);
    this.#completions.watch();
  }

  #enqueue(command: Command): number {
    // Known already: reads of this thread must not see what will be refused.
    if (command.payloadBytes > this.#session.valueBytesMax) return STATUS_TOO_LARGE;
    const heapBytes = command.heapBytes;
    const isBounded = command !== this.#staging && this.#queuedBytes > 0;
    if (isBounded && this.#queuedBytes + heapBytes > QUEUED_BYTES_MAX) {
      this.#releaseStaged(command);
      return STATUS_FULL;
    }
    command.keepPayload();
    command.isQueued = true;
    command.heldBytes = heapBytes;
    command.epoch = namespaceEpoch(this.#session, command.namespaceId);
    command.expiryMs = this.#session.nowMs() + command.ttlMs;
    this.#queuedBytes += heapBytes;
    this.#queue.push(command);
    this.pending.add(command);
    this.#completions.watch();
    return STATUS_PENDING;
  }

  /** Resolves when no command of this thread waits any more. */
  async drained(): Promise<void> {
    while (this.isPending) await this.#completions.next();
  }

  /** Takes in what was answered since the last time, before a read looks at pending writes. */
  reapIfAnswered(): void {
    if (this.#session.completions !== this.#seenCompletions) this.reap();
  }

  /**
   * Takes in what was answered, then sends on what waits on the heap. True when it stopped before
   * it had to: call again soon.
   */
  reap(): boolean {
    // What settles may call the engine again, and reap.
    if (this.#isReaping) return false;
    this.#isReaping = true;
    try {
      this.#reapAll();
    } finally {
      this.#isReaping = false;
    }
    this.#sendReleases();
    return this.#pump();
  }

  #reapAll(): void {
    const { core, shardCount } = this.#session;
    this.#seenCompletions = this.#session.completions;
    for (let shard = 0; shard < shardCount; shard++) {
      // Without a home worker, and after the engine was closed elsewhere, nobody else drains.
      if (this.#outbox.has(shard) && this.#session.isHomeless(shard)) core.helpShard(shard);
      while (this.#outbox.has(shard)) {
        const record = core.answered(shard) >>> 0;
        if (record === 0) break;
        if (this.#outbox.isNext(shard, record)) this.#answer(shard, record);
        else this.#dropAnswer(shard, record);
      }
    }
  }

  #push(shard: number, command: Command): void {
    command.record = this.#lastRecord();
    this.#outbox.push(shard, command);
  }

  #dropAnswer(shard: number, record: number): void {
    const release = releaseOfLostAnswer(this.#session, shard, record);
    this.#session.core.reap(shard, record);
    if (release !== undefined) this.#releases.push(release);
  }

  #answer(shard: number, record: number): void {
    const command = this.#outbox.shift(shard);
    const { core, arena } = this.#session;
    const status = arena.view.getInt32(record + RECORD_STATUS, true);
    if (command === this.#staging) {
      this.#staging = undefined;
      command.stagedPage = arena.view.getUint32(record + RECORD_PAGES, true);
      core.reap(shard, record);
      if (status === STATUS_OK) return;
      this.#dequeue();
      this.pending.remove(command);
      command.settle(status, nothing);
      return;
    }
    const old = this.#oldReference(command, record);
    if (!command.isPlain) this.#takeAnswer(command, status, record);
    core.reap(shard, record);
    this.#settle(command, status, shard, old);
  }

  #lastRecord(): number {
    return this.#session.core.commandRecord() >>> 0;
  }

  #oldReference(command: Command, record: number): number {
    if ((command.flags & FLAG_RETURN_OLD) === 0) return 0;
    return this.#session.arena.view.getUint32(record + RECORD_OLD, true);
  }

  #takeSum(command: Command, record: number): void {
    command.guard = this.#session.arena.view.getFloat64(record + RECORD_GUARD, true);
  }

  /** What the record of an OP_LEASE says; nothing that means anything before it was answered. */
  #takeLease(command: Command, record: number): void {
    const { view } = this.#session.arena;
    command.guard = view.getFloat64(record + RECORD_GUARD, true);
    command.leaseAddress = view.getUint32(record + RECORD_OLD, true) * REFERENCE_BYTES;
    command.leaseState = view.getUint32(record + RECORD_PAGES, true);
  }

  #settle(command: Command, status: number, shard: number, old: number): void {
    this.pending.remove(command);
    command.settle(status, old === 0 ? nothing : () => this.#readItem(old));
    if (old !== 0) this.#release(shard, old);
  }

  /** Sends queued commands while there is room; true when it stopped at its bound. */
  #pump(): boolean {
    if (this.#isPumping) return false;
    this.#isPumping = true;
    try {
      return this.#pumpAll();
    } finally {
      this.#isPumping = false;
    }
  }

  #pumpAll(): boolean {
    for (let placed = 0; placed < PUMPED_MAX; placed++) {
      if (this.#queue.length === 0 || this.#staging !== undefined) return false;
      const command = this.#queue.peek() as Command;
      const status = this.#placeQueued(command);
      if (status === STATUS_FULL) return false;
      const { core } = this.#session;
      const shard = core.commandShard();
      if (status === STATUS_STAGING) {
        this.#staging = command;
        this.#push(shard, command);
        return false;
      }
      this.#dequeue();
      if (status === STATUS_PENDING) {
        this.#track(command);
        continue;
      }
      // A command that was refused before it was begun has no record of its own.
      const isAnswered = status === STATUS_OK || command.opcode === OP_LEASE;
      if (isAnswered && !command.isPlain) this.#takeAnswer(command, status, this.#lastRecord());
      const old = status === STATUS_OK ? this.#oldReference(command, this.#lastRecord()) : 0;
      this.#settle(command, status, shard, old);
    }
    return this.#queue.length > 0;
  }

  #dequeue(): void {
    const command = this.#queue.shift();
    if (command !== undefined) this.#queuedBytes -= command.heldBytes;
  }

  /** Reads the old value of the command that was just carried out, and frees it. */
  #takeOldValue(command: Command): unknown {
    const { core } = this.#session;
    const old = this.#oldReference(command, this.#lastRecord());
    if (old === 0) return undefined;
    const shard = core.commandShard();
    try {
      return this.#readItem(old);
    } finally {
      this.#release(shard, old);
    }
  }

  #readItem(reference: number): unknown {
    const { arena } = this.#session;
    const item = reference * REFERENCE_BYTES;
    const valueBytes = arena.view.getUint32(item + ITEM_VALUE_BYTES, true);
    const runs = valueRuns(this.#session, reference, valueBytes);
    const joined = joinRuns(runs, valueBytes);
    return decodeEntry(arena.view.getUint8(item + ITEM_ENCODING), joined, 0, valueBytes);
  }

  /** Gives a returned old item back to its shard, as soon as there is room for the command. */
  #release(shard: number, reference: number): void {
    const command = new Command();
    command.opcode = OP_RELEASE;
    command.releasedShard = shard;
    command.releasedItem = reference;
    this.#releases.push(command);
    this.#sendReleases();
  }

  /** Gives back pages that were claimed for a command that was refused. */
  #releaseStaged(command: Command): void {
    if (command.stagedPage === 0) return;
    const release = new Command();
    release.opcode = OP_RELEASE;
    release.releasedShard = command.stagedShard;
    release.stagedPage = command.stagedPage;
    command.stagedPage = 0;
    this.#releases.push(release);
    this.#sendReleases();
  }

  /** Releases keep no order with other commands and wait for nothing but room. */
  #sendReleases(): void {
    for (let next = this.#releases.peek(); next !== undefined; next = this.#releases.peek()) {
      const status = this.#placeQueued(next);
      if (status === STATUS_FULL) break;
      if (status === STATUS_PENDING) this.#push(this.#session.core.commandShard(), next);
      this.#releases.shift();
    }
    if (this.isPending) this.#completions.watch();
  }
}

function nothing(): undefined {
  return undefined;
}
