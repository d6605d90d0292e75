import { readByteSize } from './byte-size.js';
import { describeValue } from './describe-value.js';
import { type Duration, readDuration, TTL_NEVER_MS } from './duration.js';
import { invalidOptions } from './errors.js';
import { nearestName } from './nearest-name.js';
import type { FileOption } from './persistence/file-option.js';

/** A monotonic clock, injected by tests. */
export interface EngineClock {
  /** Milliseconds from any fixed start; never goes back. */
  nowMs(): number;
}

/**
 * Which entries leave when there is no room for a new one. `lru`: the least recently used, the
 * cheapest. `lfu`: W-TinyLFU with a window that adapts, which weighs how often a key was asked for
 * against how recently. `s3fifo`: S3-FIFO, which lets go early of what is asked for only once.
 */
export type EvictionOption =
  | { readonly kind: 'lru' }
  | { readonly kind: 'lfu' }
  | { readonly kind: 's3fifo' };

/** How values that are neither strings nor bytes are stored. */
export type CodecOption = { readonly kind: 'json' } | { readonly kind: 'msgpack' };

/** `inplace`: a caller applies its write itself where the shard is free; `ring`: workers do. */
export type WritesOption = { readonly kind: 'inplace' } | { readonly kind: 'ring' };

/**
 * Where entries outlive the process. `file`: they are written to `path` when the creating
 * thread closes the engine and by `engine.checkpoint()`, and read when an engine is created with
 * that path.
 */
export type PersistenceOption =
  | { readonly kind: 'off' }
  | {
      readonly kind: 'file';
      /**
       * Not a symbolic link; in a folder that not everybody may write to. One engine a path. What
       * is there already is replaced only where it is a file of this option.
       */
      readonly path: string;
      /**
       * What to do with a file that is not of a clean close, as after a crash: load its entries as
       * stale, or drop them. Default `'load'`.
       */
      readonly stale?: 'load' | 'drop';
    };

/**
 * Copies of entries that each thread keeps on its own heap, decoded: a hit then costs a look into
 * a map. Checked against shared memory at every hit, so a copy is never older than the entry.
 * `get` hands the kept object itself out, the same one each time: treat it as read-only, or have
 * it frozen.
 */
export type NearCacheOption =
  | { readonly kind: 'off' }
  | {
      readonly kind?: 'on';
      /** Most copies of one thread, 1 to 1,048,576; they take at most 32 MiB of stored bytes. */
      readonly maxEntries?: number;
      /**
       * Freeze decoded values, in depth, before they are handed out. What a loader of `getOrLoad`
       * returns goes to the callers that wait for it as it is.
       */
      readonly frozen?: boolean;
    };

/** What `createEngine` takes. */
export interface EngineOptions {
  /**
   * The memory of all entries and of everything the engine keeps about them: bytes or text such as
   * `'256mb'`, from 8 MiB to 4 GiB less 64 KiB, rounded down to 64 KiB. Default `'64mb'`.
   */
  readonly memory?: number | string;
  /**
   * Home worker threads, 0 to the number of shards. 0: the engine runs in the calling thread
   * alone. Default 1.
   */
  readonly workers?: number;
  /**
   * Parts of the memory that are written independently, 1 to 64, each of at least 4 MiB; fixed for
   * the engine's life. Default 1 below 64 MiB of memory, else 8.
   */
  readonly shards?: number;
  /**
   * Most threads attached at once, the creator and home workers included. The upper limit grows
   * with the memory, from 8 at 8 MiB to 64 from 128 MiB on, and is the default.
   */
  readonly threads?: number;
  /** Most entries, at least one for each shard. Default: bounded by memory alone. */
  readonly maxEntries?: number;
  /** Time to live of entries that are set without one. Default `'never'`. */
  readonly defaultTtl?: Duration | 'never';
  /** Default `{ kind: 'lru' }`. */
  readonly eviction?: EvictionOption;
  /** Default `{ kind: 'json' }`. */
  readonly codec?: CodecOption;
  /** Default `{ kind: 'inplace' }`. */
  readonly writes?: WritesOption;
  /** Default `{ kind: 'off' }`. */
  readonly persistence?: PersistenceOption;
  /** Default: on, with 16,384 copies for each thread. */
  readonly nearCache?: NearCacheOption;
  /** A clock for tests; with `workers: 0` alone, since a function stays in its thread. */
  readonly clock?: EngineClock;
}

/** What `nearCache` means. */
export interface ResolvedNearCache {
  readonly kind: 'on' | 'off';
  readonly entryCountMax: number;
  readonly isFrozen: boolean;
}

/** What the options mean on this machine: nothing is optional any more. Frozen. */
export interface ResolvedOptions {
  /** A multiple of 64 KiB. */
  readonly memoryBytes: number;
  readonly workerCount: number;
  readonly shardCount: number;
  /** Thread slots. */
  readonly threadCountMax: number;
  /** Infinity: no bound by count. */
  readonly entryCountMax: number;
  /** Infinity: never. */
  readonly defaultTtlMs: number;
  readonly eviction: EvictionOption;
  readonly codec: CodecOption;
  readonly writes: WritesOption;
  /** `undefined`: off. */
  readonly persistence: FileOption | undefined;
  readonly nearCache: ResolvedNearCache;
  /** `undefined`: the real one. */
  readonly clock: EngineClock | undefined;
  /** Of the machine; with one processor, waiting by spinning only delays the other thread. */
  readonly availableParallelism: number;
}

/** What the options depend on besides themselves. */
export interface Machine {
  readonly availableParallelism: number;
}

const MIB = 1_024 ** 2;
const MEMORY_UNIT_BYTES = 64 * 1_024;
const MEMORY_BYTES_MIN = 8 * MIB;
/** End addresses stay below 2^32. */
const MEMORY_BYTES_MAX = 4_096 * MIB - MEMORY_UNIT_BYTES;
const SHARD_BYTES_MIN = 4 * MIB;
const SHARDS_MAX = 64;
const MANY_SHARDS_BYTES_MIN = 64 * MIB;
const THREADS_FLOOR = 8;
const THREADS_CEILING = 64;
const THREADS_CEILING_BYTES_MIN = 128 * MIB;
/** More are counted, not listed: the message stays readable whatever object was passed. */
const PROBLEMS_LISTED_MAX = 20;

const DEFAULTS = {
  memoryBytes: 64 * MIB,
  workerCount: 1,
  shardCount: (memoryBytes: number): number => (memoryBytes < MANY_SHARDS_BYTES_MIN ? 1 : 8),
  threadCountMax: threadsMax,
  entryCountMax: Number.POSITIVE_INFINITY,
  defaultTtlMs: TTL_NEVER_MS,
  eviction: 'lru',
  codec: 'json',
  writes: 'inplace',
} as const;

const EVICTION_KINDS = ['lru', 'lfu', 's3fifo'] as const;

const KNOWN_NAMES: readonly (keyof EngineOptions)[] = [
  'memory',
  'workers',
  'shards',
  'threads',
  'maxEntries',
  'defaultTtl',
  'eviction',
  'codec',
  'writes',
  'persistence',
  'nearCache',
  'clock',
];

type Raw = Readonly<Record<string, unknown>>;

/**
 * Checks the options and fills in what they leave open. Pure.
 *
 * @param raw what the caller passed; `undefined` for the defaults
 * @throws {CacheError} `ERR_CACHE_INVALID_OPTIONS` with all problems, each `field: problem`
 */
export function resolveOptions(raw: unknown, machine: Machine): ResolvedOptions {
  const problems = new Problems();
  const options = ownOptions(raw);
  checkNames(options, KNOWN_NAMES, '', problems);

  const memoryBytes = resolveMemory(options['memory'], problems);
  const shardCount = resolveShards(options['shards'], memoryBytes, problems);
  const workerCount = resolveWorkers(options['workers'], shardCount, problems);
  const threadCountMax = resolveThreads(options['threads'], memoryBytes, workerCount, problems);
  const resolved: ResolvedOptions = {
    memoryBytes: memoryBytes ?? DEFAULTS.memoryBytes,
    shardCount: shardCount ?? 1,
    workerCount: workerCount ?? DEFAULTS.workerCount,
    threadCountMax,
    entryCountMax: resolveMaxEntries(options['maxEntries'], shardCount, problems),
    defaultTtlMs: resolveDefaultTtl(options['defaultTtl'], problems),
    eviction: resolveKind(options, 'eviction', EVICTION_KINDS, DEFAULTS.eviction, problems),
    codec: resolveKind(options, 'codec', ['json', 'msgpack'], DEFAULTS.codec, problems),
    writes: resolveKind(options, 'writes', ['inplace', 'ring'], DEFAULTS.writes, problems),
    persistence: resolvePersistence(options['persistence'], problems),
    nearCache: resolveNearCache(options['nearCache'], problems),
    clock: resolveClock(options['clock'], workerCount, problems),
    availableParallelism: machine.availableParallelism,
  };
  problems.throwIfAny();
  return Object.freeze(resolved);
}

/** Most thread slots for a memory: slots may take only a small part of it. */
function threadsMax(memoryBytes: number): number {
  const grown =
    ((memoryBytes - MEMORY_BYTES_MIN) / (THREADS_CEILING_BYTES_MIN - MEMORY_BYTES_MIN)) *
    (THREADS_CEILING - THREADS_FLOOR);
  return Math.min(THREADS_CEILING, THREADS_FLOOR + Math.floor(grown));
}

class Problems {
  readonly #lines: string[] = [];

  add(field: string, problem: string): undefined {
    this.#lines.push(`${field}: ${problem}`);
    return undefined;
  }

  /** Further problems are only counted: no need to word them well. */
  get isFull(): boolean {
    return this.#lines.length >= PROBLEMS_LISTED_MAX;
  }

  throwIfAny(): void {
    if (this.#lines.length === 0) return;
    const listed = this.#lines.slice(0, PROBLEMS_LISTED_MAX);
    const unlistedCount = this.#lines.length - listed.length;
    if (unlistedCount > 0) listed.push(`and ${unlistedCount} more`);
    throw invalidOptions('options', listed);
  }
}

/** Each option is read once, here: a getter cannot answer differently later. */
function ownOptions(raw: unknown): Raw {
  if (raw === undefined) return {};
  if (!isRecord(raw)) {
    throw invalidOptions('options', [`options: must be an object, not ${describeValue(raw)}`]);
  }
  return { ...raw };
}

function isRecord(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkNames(
  given: Raw,
  knownNames: readonly string[],
  prefix: string,
  problems: Problems,
): void {
  for (const name of Object.keys(given)) {
    if (knownNames.includes(name)) continue;
    const nearest = problems.isFull ? undefined : nearestName(name, knownNames);
    const hint =
      nearest === undefined
        ? `known are ${knownNames.join(', ')}`
        : `did you mean '${prefix}${nearest}'?`;
    problems.add(`${prefix}${name}`, `unknown option; ${hint}`);
  }
}

// From here on: each function gives the option's value, or reports a problem and gives `undefined`
// (or a stand-in); what depends on a value with a problem is then not checked.

function resolveMemory(value: unknown, problems: Problems): number | undefined {
  if (value === undefined) return DEFAULTS.memoryBytes;
  const bytes = readByteSize(value);
  if (typeof bytes === 'string') return problems.add('memory', bytes);
  if (bytes < MEMORY_BYTES_MIN || bytes > MEMORY_BYTES_MAX) {
    return problems.add(
      'memory',
      `${describeValue(value)} is out of range: from 8 MiB (${MEMORY_BYTES_MIN} bytes) to ` +
        `4 GiB less 64 KiB (${MEMORY_BYTES_MAX} bytes)`,
    );
  }
  return bytes - (bytes % MEMORY_UNIT_BYTES);
}

function resolveShards(
  value: unknown,
  memoryBytes: number | undefined,
  problems: Problems,
): number | undefined {
  const bytes = memoryBytes ?? MEMORY_BYTES_MAX;
  if (value === undefined) return DEFAULTS.shardCount(bytes);
  const shardsMax = Math.min(SHARDS_MAX, Math.floor(bytes / SHARD_BYTES_MIN));
  const reason =
    shardsMax === SHARDS_MAX ? '' : ` with this memory, since each shard needs at least 4 MiB`;
  return integerIn(value, 1, shardsMax, 'shards', reason, problems);
}

function resolveWorkers(
  value: unknown,
  shardCount: number | undefined,
  problems: Problems,
): number | undefined {
  if (value === undefined) return DEFAULTS.workerCount;
  const workersMax = shardCount ?? SHARDS_MAX;
  const reason = workersMax === SHARDS_MAX ? '' : ', one for each shard';
  return integerIn(value, 0, workersMax, 'workers', reason, problems);
}

function resolveThreads(
  value: unknown,
  memoryBytes: number | undefined,
  workerCount: number | undefined,
  problems: Problems,
): number {
  const threadCountMax = DEFAULTS.threadCountMax(memoryBytes ?? MEMORY_BYTES_MAX);
  const threadCountMin = (workerCount ?? 0) + 1;
  if (threadCountMin > threadCountMax) {
    problems.add(
      'workers',
      `${workerCount} and the calling thread are more than the ${threadCountMax} threads ` +
        'that this memory allows',
    );
    return threadCountMax;
  }
  if (value === undefined) return threadCountMax;
  const reason = ': the workers and the calling thread at least, the memory sets the most';
  const given = integerIn(value, threadCountMin, threadCountMax, 'threads', reason, problems);
  return given ?? threadCountMax;
}

function resolveMaxEntries(
  value: unknown,
  shardCount: number | undefined,
  problems: Problems,
): number {
  if (value === undefined) return DEFAULTS.entryCountMax;
  const least = shardCount ?? 1;
  const reason = ', one for each shard at least';
  const most = Number.MAX_SAFE_INTEGER;
  return integerIn(value, least, most, 'maxEntries', reason, problems) ?? DEFAULTS.entryCountMax;
}

function resolveDefaultTtl(value: unknown, problems: Problems): number {
  if (value === undefined) return DEFAULTS.defaultTtlMs;
  if (value === 'never') return TTL_NEVER_MS;
  const durationMs = readDuration(value);
  if (typeof durationMs === 'number') return durationMs;
  problems.add('defaultTtl', `${durationMs}, or 'never'`);
  return DEFAULTS.defaultTtlMs;
}

/** One of the options that are `{ kind }`, a union without further members. */
function resolveKind<Kind extends string>(
  options: Raw,
  field: string,
  kinds: readonly Kind[],
  defaultKind: Kind,
  problems: Problems,
): { readonly kind: Kind } {
  const standIn = { kind: defaultKind };
  const value = options[field];
  if (value === undefined) return Object.freeze(standIn);
  const forms = kinds.map((kind) => `{ kind: '${kind}' }`).join(' or ');
  if (!isRecord(value)) {
    problems.add(field, `must be ${forms}, not ${describeValue(value)}`);
    return standIn;
  }
  const given = { ...value };
  checkNames(given, ['kind'], `${field}.`, problems);
  const kind = kinds.find((known) => known === given['kind']);
  if (kind !== undefined) return Object.freeze({ kind });
  const nearest = typeof given['kind'] === 'string' ? nearestName(given['kind'], kinds) : undefined;
  problems.add(
    `${field}.kind`,
    `${describeValue(given['kind'])} is unknown; ` +
      (nearest === undefined ? `give ${forms}` : `did you mean '${nearest}'?`),
  );
  return standIn;
}

function resolvePersistence(value: unknown, problems: Problems): FileOption | undefined {
  if (value === undefined) return undefined;
  const field = 'persistence';
  const forms = "{ kind: 'off' } or { kind: 'file', path }";
  if (!isRecord(value)) return problems.add(field, `must be ${forms}, not ${describeValue(value)}`);
  const { kind, path, stale = 'load', ...others } = value;
  checkNames(others, ['kind', 'path', 'stale'], `${field}.`, problems);
  if (kind === 'off') {
    if (path !== undefined) problems.add(`${field}.path`, "needs kind: 'file'");
    return undefined;
  }
  if (kind !== 'file') {
    return problems.add(`${field}.kind`, `${describeValue(kind)} is unknown; give ${forms}`);
  }
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    return problems.add(`${field}.path`, `${describeValue(path)} is no path of a file`);
  }
  if (stale !== 'load' && stale !== 'drop') {
    return problems.add(
      `${field}.stale`,
      `${describeValue(stale)} is unknown; give 'load' or 'drop'`,
    );
  }
  return Object.freeze({ kind, path, stale });
}

const NEAR_ENTRIES = 16_384;
const NEAR_ENTRIES_MAX = 1_048_576;

function resolveNearCache(value: unknown, problems: Problems): ResolvedNearCache {
  const standIn = { kind: 'on', entryCountMax: NEAR_ENTRIES, isFrozen: false } as const;
  if (value === undefined) return Object.freeze(standIn);
  const field = 'nearCache';
  if (!isRecord(value)) {
    problems.add(field, `must be { kind: 'off' } or { frozen: true }, not ${describeValue(value)}`);
    return standIn;
  }
  const { kind = 'on', maxEntries = NEAR_ENTRIES, frozen = false, ...others } = { ...value };
  const isOff = kind === 'off';
  const unknown = isOff ? { maxEntries: value['maxEntries'], frozen: value['frozen'] } : {};
  checkNames(
    defined({ ...others, ...unknown }),
    isOff ? ['kind'] : NEAR_NAMES,
    `${field}.`,
    problems,
  );
  if (kind !== 'on' && !isOff) {
    problems.add(`${field}.kind`, `must be 'on' or 'off', not ${describeValue(kind)}`);
  }
  if (typeof frozen !== 'boolean') {
    problems.add(`${field}.frozen`, `must be true or false, not ${describeValue(frozen)}`);
  }
  const entryCountMax =
    integerIn(maxEntries, 1, NEAR_ENTRIES_MAX, `${field}.maxEntries`, '', problems) ?? NEAR_ENTRIES;
  return Object.freeze({ kind: isOff ? 'off' : 'on', entryCountMax, isFrozen: frozen === true });
}

const NEAR_NAMES: readonly string[] = ['kind', 'maxEntries', 'frozen'];

function defined(given: Raw): Raw {
  return Object.fromEntries(Object.entries(given).filter(([, member]) => member !== undefined));
}

function resolveClock(
  value: unknown,
  workerCount: number | undefined,
  problems: Problems,
): EngineClock | undefined {
  if (value === undefined) return undefined;
  // The object itself, not its copy: a clock may be of a class and hold state.
  const clock = value as Partial<EngineClock> | null;
  if (typeof clock !== 'object' || clock === null || typeof clock.nowMs !== 'function') {
    return problems.add('clock', 'must be an object with a function nowMs()');
  }
  if (workerCount !== 0 && workerCount !== undefined) {
    return problems.add('clock', 'needs workers: 0, since a function stays in its thread');
  }
  return clock as EngineClock;
}

function integerIn(
  value: unknown,
  least: number,
  most: number,
  field: string,
  reason: string,
  problems: Problems,
): number | undefined {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) {
    return value;
  }
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `${least} to ${most}`;
  return problems.add(
    field,
    `${describeValue(value)} is out of range: an integer ${range}${reason}`,
  );
}
