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
import { STATUS_TOO_MANY_NAMESPACES } from '../native-free-core/status.js';
import { type Clock, createClock, monotonicMs } from '../workers/clock.js';
import { loadCoreModule } from '../workers/core-module.js';
import { signArena, watchCreator } from '../workers/creator-watch.js';
import { reclaimDeadThreads } from '../workers/dead-threads.js';
import { slotAddress } from '../workers/doorbell.js';
import { type ShardGroup, startShardGroup } from '../workers/shard-group.js';
import { codecOf } from './codec/entry-codec.js';
import { publishWorkerLost } from './engine-events.js';
import { checkHandle, type EngineHandle, incompatibleHandle, makeHandle } from './engine-handle.js';
import { type EngineStats, readStats } from './engine-stats.js';
import { CacheError, engineClosed, statusError } from './errors.js';
import { Keyspace } from './keyspace.js';
import { KeyspaceContext } from './keyspace-context.js';
import { type EngineOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { ThreadSession } from './thread-session.js';
import { isWellFormed } from './well-formed.js';

/** Id of the namespace without a name. */
const DEFAULT_NAMESPACE = 0;

const SEED_BYTES = 8;

/** What a thread has to end besides its own session. */
type Role =
  | { readonly kind: 'creator'; readonly group: ShardGroup | undefined }
  | { readonly kind: 'attached'; readonly stopWatching: () => void };

/**
 * A cache in shared memory, seen from one thread. The thread that created it owns it: when it
 * closes, home workers stop. Others attach with `handle()` and close their own access.
 */
export class Engine extends Keyspace implements AsyncDisposable {
  readonly #context: KeyspaceContext;
  readonly #handle: EngineHandle;
  readonly #role: Role;
  readonly #namespaces = new Map<string, Keyspace>();
  #closing: Promise<void> | undefined;

  /** @internal Use `createEngine` or `attachEngine`. */
  constructor(context: KeyspaceContext, handle: EngineHandle, role: Role) {
    super(context, DEFAULT_NAMESPACE);
    this.#context = context;
    this.#handle = handle;
    this.#role = role;
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
    const { session, failedWrites, writer } = this.#context;
    this.#context.assertOpen('stats');
    return readStats(session, failedWrites, writer.pending.count);
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
   * Waits for writes of this thread, then gives its slot back; in the creating thread home workers
   * end too, and the memory is freed once no thread refers to it. Leaves no timer, thread or
   * listener. Calls after it reject or throw with `ERR_CACHE_CLOSED`; a second `close` is the
   * first one's promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { session, writer } = this.#context;
    this.#context.gate.close();
    await writer.drained();
    if (this.#role.kind === 'attached') {
      this.#role.stopWatching();
      session.detach();
      return;
    }
    // What a dead thread still holds would keep home workers waiting.
    reclaimDeadThreads(session.arena);
    await this.#role.group?.stop();
    stopArena(session);
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

function makeEngine(arena: Arena, clock: Clock, handle: EngineHandle, role: Role): Engine {
  const session = new ThreadSession(arena, clock);
  const codec = codecOf(handle.codec);
  const context = new KeyspaceContext(
    session,
    handle.writes === 'inplace',
    codec,
    handle.defaultTtlMs,
  );
  return new Engine(context, handle, role);
}

function makeArena(options: ResolvedOptions, module: WebAssembly.Module, clock: Clock): Arena {
  const plan = planArena({
    limitBytes: options.memoryBytes,
    shardCount: options.shardCount,
    threadSlotCount: options.threadCountMax,
    entryCountMax: options.entryCountMax,
    eviction: options.eviction.kind,
  });
  // Random for each arena: nobody outside can choose keys that meet in one bucket.
  const seed = randomBytes(SEED_BYTES).readBigUInt64LE();
  const arena = createArena(plan, module, clock, seed);
  signArena(arena);
  return arena;
}

/**
 * Creates an engine: one block of shared memory, home workers, and this thread's access to it.
 *
 * @throws {CacheError} `ERR_CACHE_INVALID_OPTIONS`, with every problem in one message
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const resolved = resolveOptions(options, { availableParallelism: availableParallelism() });
  const module = await loadCoreModule();
  const birthMs = monotonicMs();
  const clock = resolved.clock ?? createClock(birthMs);
  const arena = makeArena(resolved, module, clock);
  const group =
    resolved.workerCount > 0
      ? await startShardGroup(arena, birthMs, resolved.workerCount, publishWorkerLost)
      : undefined;
  const handle = makeHandle({
    arena: arena.handle,
    birthMs,
    defaultTtlMs: resolved.defaultTtlMs,
    codec: resolved.codec.kind,
    writes: resolved.writes.kind,
  });
  try {
    return makeEngine(arena, clock, handle, { kind: 'creator', group });
  } catch (error) {
    await group?.stop();
    throw error;
  }
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
    return makeEngine(arena, clock, checked, { kind: 'attached', stopWatching });
  } catch (error) {
    stopWatching();
    throw error;
  }
}
