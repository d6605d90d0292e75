// The home workers of one arena: spawned, given their shards by the consistent-hash ring,
// supervised, replaced when they die or hang, made more or fewer, stopped.

import type { Arena } from '../native-free-core/arena.js';
import { HEADER_STOP } from '../native-free-core/assembly/layout.js';
import { reclaimDeadThreads, releaseSlot } from './dead-threads.js';
import { HeartbeatWatch } from './heartbeat-watch.js';
import { HomeWorker } from './home-worker.js';
import { RESTARTS_MAX, RestartBudget } from './restart-budget.js';
import { ShardHomes } from './shard-homes.js';
import {
  goOnRecovering,
  onRecoveriesEnded,
  RecoveryWatch,
  recoverShards,
} from './shard-recovery.js';
import type { GroupListener, RecoveryReason } from './supervision-events.js';

/** How often threads that ended without detaching are looked for, at least. */
const RECLAIM_MS = 1_000;
/** A worker whose loop makes no round for so long is terminated and replaced. */
const HUNG_MS = 2_000;

// From the sources (tests) the built worker is started: threads load no TypeScript.
const ownSource = import.meta.url;
const WORKER_MODULE = new URL(
  ownSource.endsWith('.ts') ? '../dist/workers/shard-owner.js' : './shard-owner.js',
  ownSource,
);

/** What tests change; no option of the library leads here. */
export interface GroupInternals {
  /** A module that serves shards; it gets what `shard-owner.js` gets. */
  readonly workerModule?: URL;
  readonly hungMs?: number;
  readonly restartsMax?: number;
}

/** The group was stopped while it was asked for something. */
export class GroupStoppedError extends Error {
  constructor() {
    super('the group of home workers was stopped');
    this.name = 'GroupStoppedError';
  }
}

/** The home workers of an arena; made in the thread that created it. */
export class ShardGroup {
  readonly #arena: Arena;
  readonly #birthMs: number;
  readonly #listener: GroupListener;
  readonly #module: URL;
  readonly #hungMs: number;
  readonly #homes: ShardHomes;
  readonly #budget: RestartBudget;
  readonly #watch: HeartbeatWatch;
  readonly #words: Int32Array;
  readonly #recoveries: RecoveryWatch;
  /** Why shards are being recovered whose holder was a home worker. */
  readonly #causes = new Map<number, { reason: RecoveryReason; workerIndex: number }>();
  /** By position; `undefined` where one was lost. */
  readonly #seats: (HomeWorker | undefined)[] = [];
  /** Whose threads are not gone yet, those that start or leave included. */
  readonly #living = new Set<HomeWorker>();
  readonly #replacements = new Set<Promise<void>>();
  #resizes: Promise<unknown> = Promise.resolve();
  readonly #supervision: NodeJS.Timeout;
  #reclaimedMs = 0;
  #isStopping = false;

  constructor(
    arena: Arena,
    birthMs: number,
    listener: GroupListener,
    internals: GroupInternals = {},
  ) {
    this.#arena = arena;
    this.#birthMs = birthMs;
    this.#listener = listener;
    this.#module = internals.workerModule ?? WORKER_MODULE;
    this.#hungMs = internals.hungMs ?? HUNG_MS;
    this.#homes = new ShardHomes(arena);
    this.#budget = new RestartBudget(internals.restartsMax ?? RESTARTS_MAX);
    this.#watch = new HeartbeatWatch(this.#hungMs);
    this.#words = new Int32Array(arena.buffer);
    this.#recoveries = new RecoveryWatch(arena);
    onRecoveriesEnded(arena, () => this.#tellRecoveries());
    // Also without workers: threads die, and this one may be cut off and call nothing more.
    this.#supervision = this.#supervise();
  }

  /** Home workers that serve now. */
  get workerCount(): number {
    return this.#seats.filter((worker) => worker !== undefined).length;
  }

  /**
   * Starts or retires workers until there are so many, and deals the shards out anew: each that
   * changes hands by one store, while reads and writes go on. Resolves to the number of shards that
   * changed hands, when the new workers serve and the threads of the others are gone. Calls are
   * served one after the other. Workers that were lost for good are started again.
   *
   * @throws {WorkerRefusedError} when a worker got no thread slot; the size is then as before
   * @throws {GroupStoppedError}
   */
  resize(workerCount: number): Promise<number> {
    const resized = this.#resizes.then(() => this.#resize(workerCount));
    this.#resizes = resized.catch(() => undefined);
    return resized;
  }

  /** Stops all workers and waits for their threads to end. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#supervision);
    Atomics.store(this.#words, HEADER_STOP / 4, 1);
    for (const worker of this.#living) worker.wake();
    await Promise.all([...this.#living].map((worker) => worker.end(this.#hungMs)));
    await this.#resizes;
    // Whoever is still attached finds no home worker and looks after its own commands.
    this.#seats.length = 0;
    this.#deal();
  }

  async #resize(workerCount: number): Promise<number> {
    await this.#homes.prepare();
    // What is being replaced is there, or given up, before shards are dealt out.
    await Promise.all(this.#replacements);
    this.#assertRunning();
    if (workerCount < this.#seats.length) return this.#shrink(workerCount);
    return this.#grow(workerCount);
  }

  async #grow(workerCount: number): Promise<number> {
    const before = this.#seats.length;
    this.#seats.length = workerCount;
    const empty = [...this.#seats.keys()].filter((index) => this.#seats[index] === undefined);
    const outcomes = await Promise.allSettled(empty.map((index) => this.#spawn(index)));
    this.#assertRunning();
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) {
      await this.#shrink(before);
      throw failed.reason;
    }
    return this.#deal();
  }

  async #shrink(workerCount: number): Promise<number> {
    const leaving = this.#seats.splice(workerCount).filter((worker) => worker !== undefined);
    const moved = this.#deal();
    for (const worker of leaving) worker.retire();
    await Promise.all(leaving.map((worker) => worker.end(this.#hungMs)));
    this.#assertRunning();
    return moved;
  }

  #assertRunning(): void {
    if (this.#isStopping) throw new GroupStoppedError();
  }

  /** Gives shards and clock to the workers that are there; the shards that changed hands. */
  #deal(): number {
    const moved = this.#homes.assign(this.#seats);
    this.#homes.assignTicker(this.#seats.filter((worker) => worker !== undefined));
    return moved;
  }

  /** Starts a worker in a seat; it has no shards yet. */
  async #spawn(index: number): Promise<void> {
    const data = { arena: this.#arena.handle, birthMs: this.#birthMs };
    const worker = new HomeWorker(this.#arena, index, data, this.#module);
    this.#living.add(worker);
    void worker.ended.then(() => this.#onEnd(worker));
    try {
      await worker.ready;
    } catch (error) {
      // One that was refused ends by itself.
      await worker.end(this.#hungMs);
      throw error;
    }
    if (!this.#isStopping && index < this.#seats.length) this.#seats[index] = worker;
    else worker.retire();
  }

  #onEnd(worker: HomeWorker): void {
    this.#living.delete(worker);
    // One that never served is known to whoever started it.
    if (this.#isStopping || worker.mark === undefined) return;
    if (!worker.isRetired) this.#vacate(worker);
    this.#recover(worker, worker.isHung ? 'worker-hung' : 'worker-lost');
  }

  /** Its shards and the clock go to the others. */
  #vacate(worker: HomeWorker): void {
    if (this.#seats[worker.index] !== worker) return;
    this.#seats[worker.index] = undefined;
    this.#deal();
  }

  /** Gives back what a worker that is gone had, and replaces it unless it was asked to leave. */
  #recover(worker: HomeWorker, reason: RecoveryReason): void {
    if (worker.mark === undefined) return;
    const { mark, index: workerIndex } = worker;
    const shards = recoverShards(this.#arena, mark.threadId, mark.generation);
    for (const shard of shards) this.#causes.set(shard, { reason, workerIndex });
    // What could not be given back then, the supervision gives back later.
    goOnRecovering(this.#arena, () => releaseSlot(this.#arena, mark));
    if (worker.isRetired) return;
    const replacement = this.#replace(worker, shards);
    this.#replacements.add(replacement);
    void replacement.then(() => this.#replacements.delete(replacement));
  }

  /** Tells of the recoveries that have ended. */
  #tellRecoveries(): void {
    for (const { shardIndex: shard, ...report } of this.#recoveries.take()) {
      const cause = this.#causes.get(shard);
      this.#causes.delete(shard);
      const workerIndex = cause?.workerIndex;
      const reason = cause?.reason ?? report.reason;
      this.#listener.shardRecovered({ shard, ...report, reason, workerIndex });
    }
  }

  /** Starts a worker in the place of one that was lost, then says what became of it. */
  async #replace(lost: HomeWorker, shardsRecovered: readonly number[]): Promise<void> {
    const { index: workerIndex, isHung: wasHung } = lost;
    let error = lost.failure;
    let restarted = false;
    while (!restarted && !this.#isStopping && this.#budget.allows(performance.now())) {
      try {
        await this.#spawn(workerIndex);
        restarted = true;
      } catch (thrown) {
        // Died before it served: one more loss.
        error = thrown instanceof Error ? thrown : new Error(String(thrown));
      }
    }
    if (this.#isStopping) return;
    if (restarted) this.#deal();
    this.#listener.workerLost({ workerIndex, shardsRecovered, wasHung, restarted, error });
  }

  /** Looks now and then until the group is stopped, or forgotten: a look keeps nothing alive. */
  #supervise(): NodeJS.Timeout {
    const self = new WeakRef(this);
    const periodMs = Math.min(RECLAIM_MS, this.#watch.periodMs);
    const timer = setInterval(() => {
      const group = self.deref();
      if (group === undefined) clearInterval(timer);
      else group.#look();
    }, periodMs);
    return timer.unref();
  }

  #look(): void {
    const nowMs = performance.now();
    const serving = this.#seats.filter((worker) => worker !== undefined);
    const silent = this.#watch.look(serving, nowMs);
    // A clock that stands still keeps expired entries alive: it changes hands before its worker
    // is given up.
    this.#homes.assignTicker(
      serving.filter((worker) => !silent.some((each) => each.worker === worker)),
    );
    for (const { worker, silentMs, isHung } of silent) {
      if (!isHung) continue;
      this.#vacate(worker);
      worker.kill();
      this.#listener.workerHung({ workerIndex: worker.index, silentMs });
    }
    this.#tellRecoveries();
    if (nowMs - this.#reclaimedMs < RECLAIM_MS) return;
    this.#reclaimedMs = nowMs;
    reclaimDeadThreads(this.#arena);
  }
}

/** Makes the group of an arena and starts its workers. */
export async function startShardGroup(
  arena: Arena,
  birthMs: number,
  workerCount: number,
  listener: GroupListener,
  internals: GroupInternals = {},
): Promise<ShardGroup> {
  const group = new ShardGroup(arena, birthMs, listener, internals);
  if (workerCount === 0) return group;
  try {
    await group.resize(workerCount);
  } catch (error) {
    await group.stop();
    throw error;
  }
  return group;
}
