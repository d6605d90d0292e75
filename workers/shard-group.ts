// The home workers of one arena: spawned, given their shards by the consistent-hash ring,
// supervised, replaced when they die, stopped.

import { Worker } from 'node:worker_threads';
import type { Arena } from '../native-free-core/arena.js';
import {
  HEADER_SHARD_COUNT,
  HEADER_STOP,
  HEADER_TICKER_SLOT,
} from '../native-free-core/assembly/layout.js';
import {
  markOf,
  reclaimDeadThreads,
  releaseSlot,
  resetShards,
  type ThreadMark,
} from './dead-threads.js';
import { ringDoorbell } from './doorbell.js';
import { createHashRing, type HashRing } from './hash-ring.js';
import type { ShardOwnerData, ShardOwnerReady } from './shard-owner.js';

/** How often threads that ended without detaching are looked for. */
const SUPERVISION_MS = 1_000;
/** A worker that dies so often within RESTART_WINDOW_MS is not started again. */
const RESTARTS_MAX = 5;
const RESTART_WINDOW_MS = 10_000;

/** A home worker that died and what was done about it. */
export interface WorkerLoss {
  /** Position of the worker in its group. */
  readonly workerIndex: number;
  /** Shards that it held in mid-write; their entries are gone. */
  readonly shardsReset: readonly number[];
  /** False when it died too often and its shards are served by callers from now on. */
  readonly restarted: boolean;
  readonly error: Error | undefined;
}

interface Member {
  readonly worker: Worker;
  readonly threadId: number;
  readonly mark: ThreadMark;
}

// From the sources (tests) the built worker is started: threads load no TypeScript.
const ownSource = import.meta.url;
const WORKER_URL = new URL(
  ownSource.endsWith('.ts') ? '../dist/workers/shard-owner.js' : './shard-owner.js',
  ownSource,
);

/** The home workers of an arena; made in the thread that created it. */
export class ShardGroup {
  readonly #arena: Arena;
  readonly #birthMs: number;
  readonly #ring: HashRing;
  readonly #onLoss: (loss: WorkerLoss) => void;
  readonly #members: (Member | undefined)[] = [];
  readonly #exits = new Set<Promise<void>>();
  readonly #lossTimesMs: number[] = [];
  readonly #words: Int32Array;
  #supervision: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(arena: Arena, birthMs: number, ring: HashRing, onLoss: (loss: WorkerLoss) => void) {
    this.#arena = arena;
    this.#birthMs = birthMs;
    this.#ring = ring;
    this.#onLoss = onLoss;
    this.#words = new Int32Array(arena.buffer);
  }

  /** Starts `workerCount` workers; resolves when all of them serve. */
  async start(workerCount: number): Promise<void> {
    const starts = Array.from({ length: workerCount }, (_, index) => this.#spawn(index));
    const outcomes = await Promise.allSettled(starts);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    this.#members.push(
      ...outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : undefined)),
    );
    if (failed !== undefined) {
      await this.stop();
      throw failed.reason;
    }
    this.#assignHomes();
    this.#supervision = setInterval(() => reclaimDeadThreads(this.#arena), SUPERVISION_MS);
    this.#supervision.unref();
  }

  /** Stops all workers and waits for their threads to end. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#supervision);
    Atomics.store(this.#words, HEADER_STOP / 4, 1);
    for (const member of this.#members) {
      if (member === undefined) continue;
      member.worker.ref();
      ringDoorbell(this.#arena, member.threadId);
    }
    await Promise.all(this.#exits);
    // Whoever is still attached finds no home worker and looks after its own commands.
    this.#members.length = 0;
    this.#assignHomes();
  }

  /** Threads of the home workers, by position; undefined where one is not running. */
  get threadIds(): readonly (number | undefined)[] {
    return this.#members.map((member) => member?.threadId);
  }

  /** The worker at a position; tests end it to see what the group does. */
  workerAt(index: number): Worker | undefined {
    return this.#members[index]?.worker;
  }

  async #spawn(index: number): Promise<Member> {
    const data: ShardOwnerData = {
      arena: this.#arena.handle,
      birthMs: this.#birthMs,
      ticks: index === 0,
    };
    const worker = new Worker(WORKER_URL, {
      workerData: data,
      name: `hotshard-${index}`,
      stdout: false,
      stderr: false,
      // Its loop allocates nothing: a small heap is enough and saves megabytes.
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 },
    });
    let failure: Error | undefined;
    const exit = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
    });
    this.#exits.add(exit);
    worker.on('error', (error: Error) => {
      failure = error;
    });
    const threadId = await readyThread(worker, () => failure);
    worker.unref();
    const member = { worker, threadId, mark: markOf(this.#arena, threadId) };
    worker.once('exit', () => this.#onExit(index, member, failure));
    void exit.then(() => this.#exits.delete(exit));
    return member;
  }

  #assignHomes(): void {
    const live = this.#members.flatMap((member, index) => (member === undefined ? [] : [index]));
    const shardCount = this.#words[HEADER_SHARD_COUNT / 4] ?? 0;
    const homes = live.length > 0 ? this.#ring.assign(shardCount, live) : undefined;
    for (let shard = 0; shard < shardCount; shard++) {
      const member = homes === undefined ? undefined : this.#members[homes[shard] ?? 0];
      this.#arena.core.setHome(shard, member === undefined ? 0 : member.threadId + 1);
    }
    const ticker = this.#members[0];
    Atomics.store(this.#words, HEADER_TICKER_SLOT / 4, ticker ? ticker.threadId + 1 : 0);
    if (ticker === undefined) this.#arena.core.tick(Number.POSITIVE_INFINITY);
    for (const member of this.#members) {
      if (member !== undefined) ringDoorbell(this.#arena, member.threadId);
    }
  }

  #onExit(index: number, member: Member, failure: Error | undefined): void {
    if (this.#stopping || this.#members[index] !== member) return;
    this.#members[index] = undefined;
    this.#assignHomes();
    const shardsReset = resetShards(this.#arena, member.mark);
    // What could not be given back now, the supervision gives back later.
    releaseSlot(this.#arena, member.mark);
    void this.#replace(index, shardsReset, failure);
  }

  /** Losses within the window, this one included. */
  #countLoss(): number {
    const nowMs = performance.now();
    this.#lossTimesMs.push(nowMs);
    while ((this.#lossTimesMs[0] ?? nowMs) < nowMs - RESTART_WINDOW_MS) this.#lossTimesMs.shift();
    return this.#lossTimesMs.length;
  }

  /** Starts a worker in the place of one that was lost, then says what became of it. */
  async #replace(
    workerIndex: number,
    shardsReset: readonly number[],
    failure: Error | undefined,
  ): Promise<void> {
    let error = failure;
    let restarted = false;
    while (!restarted && !this.#stopping && this.#countLoss() <= RESTARTS_MAX) {
      try {
        this.#members[workerIndex] = await this.#spawn(workerIndex);
        restarted = true;
      } catch (thrown) {
        // Died before it served: one more loss.
        error = thrown instanceof Error ? thrown : new Error(String(thrown));
      }
    }
    if (this.#stopping) return;
    if (restarted) this.#assignHomes();
    this.#onLoss({ workerIndex, shardsReset, restarted, error });
  }
}

/** The thread slot that the worker says it has; rejects when it ends or is refused before. */
function readyThread(worker: Worker, failure: () => Error | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number): void => {
      reject(failure() ?? new Error(`a home worker ended with code ${code} before it served`));
    };
    worker.once('exit', onExit);
    worker.once('message', (ready: ShardOwnerReady) => {
      worker.off('exit', onExit);
      if (ready.threadId >= 0) resolve(ready.threadId);
      else reject(new Error(`a home worker was refused with status ${ready.threadId}`));
    });
  });
}

/** Makes the group of an arena and starts its workers. */
export async function startShardGroup(
  arena: Arena,
  birthMs: number,
  workerCount: number,
  onLoss: (loss: WorkerLoss) => void,
): Promise<ShardGroup> {
  const group = new ShardGroup(arena, birthMs, await createHashRing(), onLoss);
  await group.start(workerCount);
  return group;
}
