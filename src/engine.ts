import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { type Arena, attachArena, createArena } from '../native-free-core/arena.js';
import {
  HEADER_STOP,
  HEADER_THREAD_SLOTS,
  NAMESPACE_MAX,
  NAMESPACE_NAME_BYTES_MAX,
  THREAD_COMPLETIONS,
} from '../native-free-core/assembly/layout.js';
import { planArena } from '../native-free-core/plan.js';
import { STATUS_TOO_MANY_NAMESPACES, type Status } from '../native-free-core/status.js';
import { type Clock, createClock, monotonicMs } from '../workers/clock.js';
import { loadCoreModule } from '../workers/core-module.js';
import { signArena, watchCreator } from '../workers/creator-watch.js';
import { reclaimDeadThreads } from '../workers/dead-threads.js';
import { slotAddress } from '../workers/doorbell.js';
import { WorkerRefusedError } from '../workers/home-worker.js';
import {
  type GroupInternals,
  GroupStoppedError,
  type ShardGroup,
  startShardGroup,
} from '../workers/shard-group.js';
import { codecOf } from './codec/entry-codec.js';
import { EngineEmitter, type EngineListener } from './engine-emitter.js';
import type { EngineEvents } from './engine-events.js';
import { checkHandle, type EngineHandle, incompatibleHandle, makeHandle } from './engine-handle.js';
import { type EngineStats, readStats } from './engine-stats.js';
import { CacheError, engineClosed, invalidOptions, statusError } from './errors.js';
import { Keyspace } from './keyspace.js';
import { KeyspaceContext } from './keyspace-context.js';
import {
  type EngineClock,
  type EngineOptions,
  type ResolvedOptions,
  resolveOptions,
} from './options.js';
import type { LoadReport } from './persistence/load-checkpoint.js';
import { type Moment, readMoment } from './persistence/moment.js';
import { Persistence } from './persistence/persistence.js';
import type { CheckpointReport } from './persistence/write-checkpoint.js';
import { checkResize, type ResizeOptions, type ResizeResult } from './resize-options.js';
import type { ScanProgress } from './scans/scan-progress.js';
import { ThreadSession } from './thread-session.js';
import { isWellFormed } from './well-formed.js';

/** Id of the namespace without a name. */
const DEFAULT_NAMESPACE = 0;

const SEED_BYTES = 8;

/** What a thread has to end besides its own session. */
type Role =
  | {
      readonly kind: 'creator';
      readonly group: ShardGroup;
      readonly hasOwnClock: boolean;
      readonly persistence: Persistence | undefined;
    }
  | { readonly kind: 'attached'; readonly stopWatching: () => void };

/**
 * A cache in shared memory, seen from one thread. The thread that created it owns it: when it
 * closes, home workers stop. Others attach with `handle()` and close their own access.
 */
export class Engine extends Keyspace implements AsyncDisposable {
  readonly #context: KeyspaceContext;
  readonly #handle: EngineHandle;
  readonly #role: Role;
  readonly #emitter: EngineEmitter;
  readonly #namespaces = new Map<string, Keyspace>();
  #closing: Promise<void> | undefined;

  /** @internal Use `createEngine` or `attachEngine`. */
  constructor(context: KeyspaceContext, handle: EngineHandle, role: Role, emitter: EngineEmitter) {
    super(context, DEFAULT_NAMESPACE);
    this.#context = context;
    this.#handle = handle;
    this.#role = role;
    this.#emitter = emitter;
  }

  /**
   * A key space of its own in the same memory: keys of different namespaces never meet, and
   * `clear()` clears one namespace. At most 4,096 names of up to 128 bytes of UTF-8, never freed.
   *
   * @throws {CacheError} `ERR_CACHE_INVALID_NAMESPACE`, `ERR_CACHE_TOO_MANY_NAMESPACES`
   */
  namespace(name: string): Keyspace {
    this.#context.assertOpen('namespace');
    const known = this.#namespaces.get(name);
    if (known !== undefined) return known;
    const keyspace = new Keyspace(this.#context, this.#register(name));
    this.#namespaces.set(name, keyspace);
    return keyspace;
  }

  /**
   * The namespace of that name if any thread has used it before, else `undefined`: unlike
   * `namespace`, asking for a name takes none of the 4,096 places.
   *
   * @throws {CacheError} `ERR_CACHE_INVALID_NAMESPACE`
   */
  findNamespace(name: string): Keyspace | undefined {
    this.#context.assertOpen('findNamespace');
    const known = this.#namespaces.get(name);
    if (known !== undefined) return known;
    checkNamespace(name);
    const { session } = this.#context;
    const id = session.core.findNamespace(session.keys.address, session.keys.encode(name));
    if (id === STATUS_TOO_MANY_NAMESPACES) return undefined;
    const keyspace = new Keyspace(this.#context, id);
    this.#namespaces.set(name, keyspace);
    return keyspace;
  }

  #register(name: string): number {
    checkNamespace(name);
    const { session } = this.#context;
    const nameBytes = session.keys.encode(name);
    const id = session.core.registerNamespace(session.keys.address, nameBytes);
    if (id === STATUS_TOO_MANY_NAMESPACES) {
      throw statusError(id, { operation: 'namespace', namespacesMax: NAMESPACE_MAX - 1 });
    }
    return id;
  }

  /** Counters of the whole engine; see `EngineStats`. */
  stats(): EngineStats {
    const { session, failedWrites, writer, near } = this.#context;
    this.#context.assertOpen('stats');
    near?.flushHits();
    return readStats(session, failedWrites, writer.pending.count);
  }

  /**
   * Writes the file of the option `persistence` now, while all threads go on: each shard as it was
   * at one moment. Loaded after a crash, its entries count as stale; the file of `close()` replaces
   * it. For the thread that created the engine.
   *
   * Rejects with `ERR_CACHE_CHECKPOINT_FAILED`, the former file unchanged, or
   * `ERR_CACHE_INVALID_OPTIONS` where this engine has no file.
   */
  async checkpoint(): Promise<CheckpointReport> {
    this.#context.assertOpen('checkpoint');
    const role = this.#role;
    if (role.kind !== 'creator' || role.persistence === undefined) {
      const problem =
        'persistence: only the thread that created an engine with a file can write it';
      throw invalidOptions('checkpoint', [problem]);
    }
    return role.persistence.checkpoint(this.#context.session, false);
  }

  /** What was loaded when the engine was created; undefined when it began empty. */
  get loaded(): LoadReport | undefined {
    return this.#role.kind === 'creator' ? this.#role.persistence?.report : undefined;
  }

  /**
   * How far the scan of that id is, or how it ended: of those that this thread started by
   * `invalidatePrefix` and the like, in whichever namespace. Known are all that run and the last 64
   * that ended; `undefined` for others. The id is in what `onProgress` is told.
   */
  scan(id: string): ScanProgress | undefined {
    return this.#context.scans.find(id);
  }

  /** The scans of this thread: the last 64 that ended, then those that run. */
  scans(): readonly ScanProgress[] {
    return this.#context.scans.list();
  }

  /** Bytes of the largest value that can be stored. */
  get valueBytesMax(): number {
    return this.#context.session.valueBytesMax;
  }

  /** What another thread passes to `attachEngine`. */
  handle(): EngineHandle {
    return this.#handle;
  }

  /**
   * Calls the listener with each event of that name, in this thread. What happened to home workers
   * is told in the creating thread alone, as is the recovery of shards that it sees to. A listener
   * that throws does not disturb the engine: its error becomes an uncaught exception. Events are
   * published on the diagnostics channels `hotshard:` and the name too.
   *
   * @throws {CacheError} `ERR_CACHE_INVALID_OPTIONS` for an unknown name
   */
  on<Name extends keyof EngineEvents>(name: Name, listener: EngineListener<Name>): this {
    this.#emitter.on(name, listener);
    return this;
  }

  /** Like `on`, for the next event alone. */
  once<Name extends keyof EngineEvents>(name: Name, listener: EngineListener<Name>): this {
    this.#emitter.once(name, listener);
    return this;
  }

  /** Calls the listener no more. */
  off<Name extends keyof EngineEvents>(name: Name, listener: EngineListener<Name>): this {
    this.#emitter.off(name, listener);
    return this;
  }

  /**
   * Changes the number of home worker threads while all threads read and write on. About
   * 1/(n + 1) of the shards get another worker, by one store each; no entry moves. With 0 workers
   * callers look after the shards themselves. Resolves when new workers serve and the threads of
   * the others are gone; calls are served one after the other. Workers that died too often to be
   * replaced are started again. Each worker takes a thread slot and a page of every shard. For the
   * creating thread only.
   *
   * @throws {CacheError} `ERR_CACHE_INVALID_OPTIONS`, `ERR_CACHE_CLOSED`,
   *   `ERR_CACHE_TOO_MANY_THREADS` when attached threads have the slots; the size is then as before
   */
  async resize(options: ResizeOptions): Promise<ResizeResult> {
    const { session } = this.#context;
    this.#context.assertOpen('resize');
    if (this.#role.kind === 'attached') {
      throw invalidOptions('resize', ['only the thread that created the engine changes its size']);
    }
    const { group, hasOwnClock } = this.#role;
    const threadCountMax = session.arena.view.getUint32(HEADER_THREAD_SLOTS, true);
    const { shardCount } = session;
    const workers = checkResize(options, { shardCount, threadCountMax, hasOwnClock });
    try {
      const shardsMoved = await group.resize(workers);
      return { workers, shardsMoved };
    } catch (error) {
      throw groupError(error, 'resize', threadCountMax);
    }
  }

  /**
   * Removes expired entries, and what cleared namespaces left, from shards that no home worker
   * looks after: a bounded part of each, about 0.2 ms a shard. Home workers do that by themselves
   * as entries expire. With `workers: 0` writes do it in passing; an engine that is hardly written
   * to keeps expired entries in memory, unread, until this is called. Returns whether there is more
   * to do.
   *
   * @throws {CacheError} `ERR_CACHE_CLOSED`
   */
  reclaim(): boolean {
    const { session } = this.#context;
    this.#context.assertOpen('reclaim');
    const nowMs = session.nowMs();
    let did = 0;
    for (let shard = 0; shard < session.shardCount; shard++) {
      // One that another thread holds is being written to: that reclaims too.
      if (session.isHomeless(shard)) did += Math.max(0, session.core.serveShard(shard, nowMs));
    }
    return did > 0;
  }

  /**
   * Waits for writes of this thread, then gives its slot back; in the creating thread home workers
   * end too, the file of the option `persistence` is written (a failure is warned of), and the
   * memory is freed once no thread refers to it. Leaves no timer, thread or
   * listener. Calls after it reject or throw with `ERR_CACHE_CLOSED`; a second `close` is the
   * first one's promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { session } = this.#context;
    this.#context.gate.close();
    this.#context.near?.clock.clear();
    this.#context.leases.close();
    await this.#context.drained();
    if (this.#role.kind === 'attached') {
      this.#role.stopWatching();
      session.detach();
      return;
    }
    // What a dead thread still holds would keep home workers waiting.
    reclaimDeadThreads(session.arena);
    await this.#role.group.stop();
    stopArena(session);
    await this.#role.persistence?.writeLast(session);
  }

  /** `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Tells the threads that are still attached that the engine has ended. */
function stopArena(session: ThreadSession): void {
  Atomics.store(session.words, HEADER_STOP / 4, 1);
  const threads = session.arena.view.getUint32(HEADER_THREAD_SLOTS, true);
  for (let threadId = 0; threadId < threads; threadId++) {
    const index = (slotAddress(session.arena, threadId) + THREAD_COMPLETIONS) / 4;
    Atomics.add(session.words, index, 1);
    Atomics.notify(session.words, index);
  }
}

function checkNamespace(name: unknown): void {
  const problem =
    typeof name !== 'string'
      ? 'must be a string'
      : name === ''
        ? 'must not be empty'
        : !isWellFormed(name)
          ? 'is not well-formed UTF-16'
          : Buffer.byteLength(name) > NAMESPACE_NAME_BYTES_MAX
            ? `is longer than ${NAMESPACE_NAME_BYTES_MAX} bytes of UTF-8`
            : undefined;
  if (problem === undefined) return;
  throw new CacheError('ERR_CACHE_INVALID_NAMESPACE', `namespace ${problem}`);
}

/** What a group of home workers answers, in the terms of the library. */
function groupError(error: unknown, operation: string, threadsMax: number): unknown {
  if (error instanceof GroupStoppedError) return engineClosed(operation);
  if (!(error instanceof WorkerRefusedError)) return error;
  return statusError(error.status as Status, { operation, threadsMax });
}

function makeEngine(
  arena: Arena,
  clock: Clock,
  handle: EngineHandle,
  role: Role,
  emitter: EngineEmitter,
): Engine {
  const session = new ThreadSession(arena, clock);
  const codec = codecOf(handle.codec);
  const context = new KeyspaceContext(
    session,
    handle.writes === 'inplace',
    codec,
    handle.defaultTtlMs,
    handle.nearCache,
  );
  return new Engine(context, handle, role, emitter);
}

function makeArena(
  options: ResolvedOptions,
  module: WebAssembly.Module,
  clock: Clock,
  hashSeed: bigint | undefined,
): Arena {
  const plan = planArena({
    limitBytes: options.memoryBytes,
    shardCount: options.shardCount,
    threadSlotCount: options.threadCountMax,
    entryCountMax: options.entryCountMax,
    countsChanges: options.persistence !== undefined,
    eviction: options.eviction.kind,
  });
  // Random for each arena: nobody outside can choose keys that meet in one bucket.
  const seed = hashSeed ?? randomBytes(SEED_BYTES).readBigUInt64LE();
  const arena = createArena(plan, module, clock, seed);
  signArena(arena);
  return arena;
}

/**
 * Creates an engine: one block of shared memory, home workers, and this thread's access to it.
 *
 * @throws {CacheError} `ERR_CACHE_INVALID_OPTIONS`, with every problem in one message
 */
export function createEngine(options: EngineOptions = {}): Promise<Engine> {
  return startEngine(options);
}

/** What tests put in the place of an engine's surroundings. */
export interface EngineInternals extends GroupInternals {
  readonly readMoment?: () => Moment;
}

/** @internal `createEngine`, with home workers that tests can make fail, and other times. */
export async function startEngine(
  options: EngineOptions,
  internals: EngineInternals = {},
): Promise<Engine> {
  const resolved = resolveOptions(options, { availableParallelism: availableParallelism() });
  const module = await loadCoreModule();
  const persistence =
    resolved.persistence === undefined
      ? undefined
      : await Persistence.open(resolved.persistence, internals.readMoment ?? readMoment);
  // The arena's time goes on where that of its file ended: times in the file mean the same here.
  const startMs = persistence?.startMs ?? 0;
  const birthMs = monotonicMs() - startMs;
  const clock = continued(resolved.clock, startMs) ?? createClock(birthMs);
  let arena: Arena;
  try {
    arena = makeArena(resolved, module, clock, persistence?.hashSeed);
  } catch (error) {
    await persistence?.giveUp();
    throw error;
  }
  await persistence?.load(arena, clock.nowMs());
  const emitter = new EngineEmitter();
  const listener = {
    shardRecovered: emitter.emit.bind(emitter, 'shard-recovered'),
    workerLost: emitter.emit.bind(emitter, 'worker-lost'),
    workerHung: emitter.emit.bind(emitter, 'worker-hung'),
  };
  const { workerCount } = resolved;
  const group = await startShardGroup(arena, birthMs, workerCount, listener, internals);
  const handle = makeHandle({
    arena: arena.handle,
    birthMs,
    defaultTtlMs: resolved.defaultTtlMs,
    codec: resolved.codec.kind,
    writes: resolved.writes.kind,
    nearCache: resolved.nearCache,
  });
  try {
    const hasOwnClock = resolved.clock !== undefined;
    const role: Role = { kind: 'creator', group, hasOwnClock, persistence };
    return makeEngine(arena, clock, handle, role, emitter);
  } catch (error) {
    await group.stop();
    throw error;
  }
}

/** A clock of the caller, put forward so that it shows `startMs` now. */
function continued(clock: EngineClock | undefined, startMs: number): Clock | undefined {
  if (clock === undefined || startMs === 0) return clock;
  const offsetMs = startMs - clock.nowMs();
  return { nowMs: () => clock.nowMs() + offsetMs };
}

/**
 * This thread's access to an engine that another thread created: the same entries, the same
 * methods.
 *
 * @throws {CacheError} `ERR_CACHE_INCOMPATIBLE_HANDLE`, `ERR_CACHE_TOO_MANY_THREADS`
 */
export function attachEngine(handle: EngineHandle): Engine {
  const checked = checkHandle(handle);
  const clock = createClock(checked.birthMs);
  const arena = attachArena(checked.arena, clock);
  if (arena === undefined) {
    throw incompatibleHandle('its memory holds no engine of this layout version');
  }
  if (new Uint32Array(arena.buffer)[HEADER_STOP / 4] !== 0) throw engineClosed('attachEngine');
  const stopWatching = watchCreator(arena);
  try {
    const role: Role = { kind: 'attached', stopWatching };
    return makeEngine(arena, clock, checked, role, new EngineEmitter());
  } catch (error) {
    stopWatching();
    throw error;
  }
}
