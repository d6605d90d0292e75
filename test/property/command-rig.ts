/** The core under test beside its naive model: two callers, one home worker, one arena. */
import {
  FLAG_VERSION,
  OP_DELETE,
  OP_INCREMENT,
  OP_SET,
  OP_TOUCH,
  SHARD_EVICTIONS,
  SHARD_LAST_SERVED,
  THREAD_HITS,
  THREAD_MISSES,
  WHEEL_TICK_MS,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_FULL, STATUS_PENDING } from '../../native-free-core/status.js';
import { CoreArena, type CoreArenaOptions, type CoreSnapshot } from '../support/core-arena.js';
import type { CoreThread, Outcome } from '../support/core-thread.js';
import { NaiveCache, type NaiveCommand } from './naive-cache.js';

export interface RigOptions extends CoreArenaOptions {
  /** False: the arena is so large that nothing may ever be lost. */
  readonly mayEvict: boolean;
  /** True: the time stands in the header, as when a worker ticks. */
  readonly sharedClock: boolean;
}

/** A key command as a test draws it. */
export interface KeyCommand {
  readonly caller: number;
  readonly key: string;
  readonly namespaceId: number;
  readonly ttlMs: number;
  readonly flags: number;
  readonly inPlace: boolean;
}

/** Adds to a number. */
export interface CountCommand extends KeyCommand {
  readonly by: number;
  readonly initial: string;
}

export interface SetCommand extends KeyCommand {
  readonly value: Uint8Array;
  readonly encoding: number;
  readonly contentType: string;
}

const EMPTY = new Uint8Array(0);

export class CommandRig {
  readonly arena: CoreArena;
  readonly callers: readonly CoreThread[];
  readonly worker: CoreThread;
  model: NaiveCache;
  private readonly pristine: CoreSnapshot;
  private readonly options: RigOptions;
  /** Queued commands by caller and shard. */
  private queues: NaiveCommand[][][] = [];
  /** By shard: the thread slot whose ring was drained last, before the present operation. */
  private lastServed: number[] = [];
  private readsByCaller: { hits: number; misses: number }[] = [];

  constructor(options: RigOptions) {
    this.options = options;
    this.arena = new CoreArena(options);
    this.callers = [this.arena.attach(), this.arena.attach()];
    this.worker = this.arena.attach(options.build, 0);
    // Commands for a shard with a home stay in their ring until somebody drains it.
    for (let shard = 0; shard < this.shardCount; shard++) this.arena.setHome(shard, this.worker.id);
    for (const name of ['', 'second', 'third']) this.worker.registerNamespace(name);
    this.pristine = this.arena.snapshot();
    this.model = new NaiveCache(options.mayEvict);
    this.reset();
  }

  /** Everything as at the beginning. */
  reset(): void {
    this.arena.restore(this.pristine);
    this.model = new NaiveCache(this.options.mayEvict);
    this.queues = this.callers.map(() => Array.from({ length: this.shardCount }, () => []));
    this.readsByCaller = this.callers.map(() => ({ hits: 0, misses: 0 }));
    for (const caller of this.callers) caller.answers.length = 0;
    this.noteTurns();
    this.shareClock();
  }

  get shardCount(): number {
    return this.arena.plan.shardCount;
  }

  get nowMs(): number {
    return this.arena.clock.nowMs();
  }

  /** Sets further keys until the arena or its bound by count is full. */
  fill(): void {
    const command = { caller: 0, namespaceId: 0, ttlMs: Number.POSITIVE_INFINITY, flags: 0 };
    const rest = { inPlace: true, encoding: 0, contentType: '' };
    for (let index = 0; this.arena.total(SHARD_EVICTIONS) === 0; index++) {
      const value = new Uint8Array(index % 3 === 0 ? 100 : 500 + 97 * (index % 16));
      this.set({ ...command, ...rest, key: `fill-${index}`, value });
    }
  }

  private shareClock(): void {
    if (this.options.sharedClock) this.worker.core.tick(this.nowMs);
  }

  private queueOf(caller: number, shard: number): NaiveCommand[] {
    return this.queues[caller]?.[shard] as NaiveCommand[];
  }

  private describe(opcode: number, command: KeyCommand, thread: CoreThread): NaiveCommand {
    const { key, namespaceId, flags, ttlMs } = command;
    return {
      opcode,
      id: `${namespaceId}/${key}`,
      namespaceId,
      shard: thread.shardOf(key, namespaceId),
      flags,
      epoch: this.model.epochOf(namespaceId),
      createdMs: this.nowMs,
      expiryMs: this.nowMs + ttlMs,
      value: EMPTY,
      encoding: 0,
      contentType: '',
      guard: 0,
    };
  }

  set(command: SetCommand): void {
    const thread = this.callers[command.caller] as CoreThread;
    const { value, encoding, contentType } = command;
    const described = this.describe(OP_SET, command, thread);
    // The version that was read last: the entry may have been replaced since.
    const isGuarded = (command.flags & FLAG_VERSION) !== 0;
    const guard = isGuarded ? (this.model.latestVersion.get(described.id) ?? 0) : 0;
    const naive = { ...described, value, encoding, contentType, guard };
    const outcome = thread.set(command.key, value, { ...command, version: guard });
    const bytes = command.key.length + contentType.length + value.length;
    // Pages are claimed in place: that answers what waits.
    const staged = bytes > this.arena.plan.inlineBytes && outcome.status !== STATUS_FULL;
    if (staged) this.takeAnswers(command.caller, naive.shard);
    this.settle(command.caller, naive, outcome);
  }

  remove(command: KeyCommand): void {
    const thread = this.callers[command.caller] as CoreThread;
    const naive = this.describe(OP_DELETE, command, thread);
    this.settle(command.caller, naive, thread.remove(command.key, command));
  }

  touch(command: KeyCommand): void {
    const thread = this.callers[command.caller] as CoreThread;
    const naive = this.describe(OP_TOUCH, command, thread);
    this.settle(command.caller, naive, thread.touch(command.key, command.ttlMs, command));
  }

  increment(command: CountCommand): void {
    const thread = this.callers[command.caller] as CoreThread;
    const { by, initial } = command;
    const described = this.describe(OP_INCREMENT, command, thread);
    const naive = { ...described, value: Buffer.from(initial), guard: by };
    this.settle(command.caller, naive, thread.increment(command.key, by, initial, command));
  }

  private settle(caller: number, command: NaiveCommand, outcome: Outcome): void {
    const queue = this.queueOf(caller, command.shard);
    if (outcome.status === STATUS_FULL) {
      if (queue.length === 0) throw new Error('an empty ring has no room');
      return;
    }
    if (outcome.status === STATUS_PENDING) {
      queue.push(command);
      return;
    }
    this.applyQueue(caller, command.shard);
    this.model.apply(command, outcome, this.nowMs);
    this.applyOthers(caller, command.shard);
  }

  /** All commands that wait for a shard were run: the caller's own first, where it ran one. */
  private takeAnswers(first: number, shard: number): void {
    this.applyQueue(first, shard);
    this.applyOthers(first, shard);
  }

  private applyOthers(except: number, shard: number): void {
    for (const caller of this.turns(shard)) {
      if (caller !== except) this.applyQueue(caller, shard);
    }
  }

  /** Callers in the order in which their rings are drained: behind the last one comes the first. */
  private turns(shard: number): number[] {
    const last = this.lastServed[shard] ?? 0;
    const slots = this.callers.map(({ id }, caller) => ({ caller, isLater: id > last }));
    const later = slots.filter(({ isLater }) => isLater);
    return [...later, ...slots.filter(({ isLater }) => !isLater)].map(({ caller }) => caller);
  }

  private noteTurns(): void {
    this.lastServed = Array.from({ length: this.shardCount }, (_, shard) =>
      this.arena.shardU32(shard, SHARD_LAST_SERVED),
    );
  }

  private applyQueue(caller: number, shard: number): void {
    const queue = this.queueOf(caller, shard);
    if (queue.length === 0) return;
    const thread = this.callers[caller] as CoreThread;
    thread.collect();
    for (const command of queue.splice(0)) {
      const at = thread.answers.findIndex((answer) => answer.shard === shard);
      const answer = thread.answers[at];
      if (answer === undefined) throw new Error(`no answer for ${command.id}`);
      thread.answers.splice(at, 1);
      if (answer.opcode !== command.opcode) throw new Error('answers came in another order');
      this.model.apply(command, answer, this.nowMs);
    }
  }

  read(caller: number, key: string, namespaceId: number): void {
    const thread = this.callers[caller] as CoreThread;
    const found = thread.get(key, namespaceId);
    this.model.checkRead(`${namespaceId}/${key}`, found, this.nowMs);
    const reads = this.readsByCaller[caller];
    if (reads !== undefined) {
      if (typeof found === 'number') reads.misses += 1;
      else reads.hits += 1;
    }
    // A reader whose touch buffer is full takes the shard and runs what waits there.
    const shard = thread.shardOf(key, namespaceId);
    const wasDrained = this.callers.every((each) => each.core.waiting(shard) === 0);
    if (wasDrained) this.applyOthers(-1, shard);
  }

  clear(namespaceId: number): void {
    this.worker.core.clearNamespace(namespaceId);
    this.model.clear(namespaceId);
  }

  advance(stepMs: number): void {
    this.arena.clock.advance(stepMs);
    this.shareClock();
  }

  /** One slice of a shard's work. */
  serve(shard: number, by: CoreThread): void {
    const did = by.core.serveShard(shard, this.nowMs);
    if (did < 0) throw new Error('a free shard was refused');
    this.applyOthers(-1, shard);
  }

  serveHome(): void {
    this.worker.core.serveHome(this.worker.id, this.nowMs);
    for (let shard = 0; shard < this.shardCount; shard++) this.applyOthers(-1, shard);
  }

  help(shard: number, caller: number): void {
    const helped = this.callers[caller]?.core.helpShard(shard);
    if (helped === 0) throw new Error('a free shard was refused');
    this.applyOthers(-1, shard);
  }

  /** What must hold after every operation. */
  check(): void {
    this.checkRings();
    const findings = this.arena.verify();
    if (findings.length > 0) throw new Error(findings.join('\n'));
    if (this.options.mayEvict) return;
    const evictions = this.arena.total(SHARD_EVICTIONS);
    if (evictions > 0) throw new Error(`${evictions} entries were evicted without need`);
  }

  /** Who frees an old value takes the shard for it, and runs what waits there by the way. */
  private takeLateAnswers(): void {
    for (const caller of this.callers) caller.collect();
    for (let shard = 0; shard < this.shardCount; shard++) {
      for (const index of this.turns(shard)) {
        if (this.callers[index]?.core.waiting(shard) === 0) this.applyQueue(index, shard);
      }
    }
    this.noteTurns();
  }

  private checkRings(): void {
    this.takeLateAnswers();
    this.callers.forEach((caller, index) => {
      if (caller.answers.length > 0) throw new Error('a command was answered that did not wait');
      for (let shard = 0; shard < this.shardCount; shard++) {
        const waits = caller.core.waiting(shard) > 0;
        if (waits !== this.queueOf(index, shard).length > 0) {
          throw new Error(`ring of shard ${shard} ${waits ? 'kept' : 'lost'} commands`);
        }
      }
    });
  }

  /** Runs everything that waits, then compares every key and the totals. */
  finish(keys: readonly string[], namespaceCount: number): void {
    this.serveHome();
    for (let shard = 0; shard < this.shardCount; shard++) this.worker.serve(shard);
    for (let namespaceId = 0; namespaceId < namespaceCount; namespaceId++) {
      for (const key of keys) this.read(0, key, namespaceId);
    }
    this.check();
    let items = 0;
    for (let shard = 0; shard < this.shardCount; shard++) items += this.arena.items(shard);
    // The wheel turns in ticks: what ended within the present one may not be freed yet.
    const most = this.model.liveCount(Math.floor(this.nowMs / WHEEL_TICK_MS) * WHEEL_TICK_MS);
    const least = this.options.mayEvict ? 0 : this.model.liveCount(this.nowMs);
    if (items < least || items > most) {
      throw new Error(`${items} items are stored, it should be ${least} to ${most}`);
    }
    this.callers.forEach((caller, index) => {
      const counted = { hits: caller.counter(THREAD_HITS), misses: caller.counter(THREAD_MISSES) };
      const expected = this.readsByCaller[index];
      if (counted.hits !== expected?.hits || counted.misses !== expected.misses) {
        throw new Error(`counted ${JSON.stringify(counted)}, made ${JSON.stringify(expected)}`);
      }
    });
  }

  /** Longest value that a test should store here. */
  get valueBytesMax(): number {
    return this.arena.plan.valueBytesMax;
  }
}
