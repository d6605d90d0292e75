import type { LruBound } from '../hit-ratio/exact-lru.js';
import { createEngineTarget } from './engine-target.js';
import { createHttpTarget } from './http-target.js';
import { measureHeldBytes, simulateLru } from './lru-comparison.js';
import type { ReplayOptions } from './options.js';
import { Progress, type ProgressOutput } from './progress.js';
import { type ReplayOutcome, replayRecords } from './replay.js';
import { ReplayError } from './replay-error.js';
import type { ReplayTarget } from './replay-target.js';
import type { ReplayReport } from './report.js';
import { startServer } from './server-process.js';
import type { TraceTally } from './trace-reader.js';
import { createTraceSource, type TracePass, type TraceSource } from './trace-source.js';

const ENGINE_SHARDS = 1;

/** Creates what the options name as destination of the requests. */
export async function createTarget(options: ReplayOptions): Promise<ReplayTarget> {
  const { destination, entriesMax, memoryBytes, shards } = options;
  switch (destination.kind) {
    case 'engine':
      return createEngineTarget({ memoryBytes, entriesMax, shards: shards ?? ENGINE_SHARDS });
    case 'server': {
      const { base } = destination;
      return createHttpTarget(base, `server at ${base.href}`, async () => undefined);
    }
    case 'new-server': {
      const server = await startServer({
        CACHE_DEFAULT_TTL: 'never',
        CACHE_MAX_MEMORY_MB: `${memoryBytes}b`,
        ...(entriesMax === undefined ? {} : { CACHE_L1_MAX_ENTRIES: String(entriesMax) }),
        ...(shards === undefined ? {} : { CACHE_SHARDS: String(shards) }),
      });
      return createHttpTarget(server.base, `server started at ${server.base.href}`, server.stop);
    }
  }
}

class PassRunner {
  readonly #source: TraceSource;
  readonly #output: ProgressOutput;

  constructor(source: TraceSource, output: ProgressOutput) {
    this.#source = source;
    this.#output = output;
  }

  /** One pass over the trace under a progress bar; ends the reading whatever happens. */
  async run<Result>(
    label: string,
    work: (batches: TracePass['batches'], onProgress: () => void) => Promise<Result>,
  ): Promise<{ result: Result; tally: TraceTally }> {
    const pass = await this.#source.openPass();
    const progress = new Progress(this.#output, label, () => performance.now());
    try {
      const result = await work(pass.batches, () =>
        progress.update(pass.fraction(), pass.tally.records),
      );
      return { result, tally: pass.tally };
    } finally {
      progress.end();
      await pass.close();
    }
  }
}

function assertHasRequests(source: TraceSource, tally: TraceTally): void {
  if (tally.records > 0) return;
  throw new ReplayError(
    tally.firstMalformed === undefined
      ? `${source.description}: there is no request in it`
      : `${source.description}: nothing of it could be read, all ${tally.malformed} lines or ` +
          `records are malformed; the first is ${tally.firstMalformed}`,
  );
}

async function chooseBound(
  options: ReplayOptions,
  target: ReplayTarget,
  passes: PassRunner,
): Promise<LruBound> {
  if (options.entriesMax !== undefined) return { kind: 'entries', entriesMax: options.entriesMax };
  if (target.occupancy()?.evictions === 0) {
    return { kind: 'bytes', bytesMax: Number.POSITIVE_INFINITY };
  }
  const { result: heldBytes } = await passes.run('measuring', (batches, onProgress) =>
    measureHeldBytes(batches, target, onProgress),
  );
  return { kind: 'bytes', bytesMax: Math.max(1, heldBytes) };
}

async function compareWithLru(
  options: ReplayOptions,
  outcome: ReplayOutcome,
  bound: LruBound,
  passes: PassRunner,
): Promise<ReplayReport['lru']> {
  const settings = {
    fixedValueBytes: options.fixedValueBytes,
    storableBytesMax: outcome.counts.tooLargeBytesMin - 1,
  };
  const { result } = await passes.run('exact LRU', (batches, onProgress) =>
    simulateLru(batches, bound, settings, onProgress),
  );
  return result;
}

/** Replays the trace against the target and compares with an exact LRU. Leaves the target open. */
export async function runReplay(
  options: ReplayOptions,
  target: ReplayTarget,
  output: ProgressOutput,
): Promise<ReplayReport> {
  const source = await createTraceSource(options.file, options);
  const passes = new PassRunner(source, output);
  const { result: outcome, tally } = await passes.run('replaying', (batches, onProgress) =>
    replayRecords(batches, target, options.fixedValueBytes, onProgress),
  );
  assertHasRequests(source, tally);
  const occupancy = target.occupancy();
  const bound = await chooseBound(options, target, passes);
  const lru = await compareWithLru(options, outcome, bound, passes);
  return {
    trace: source.description,
    target: describeTarget(options, target),
    outcome,
    tally,
    occupancy,
    bound,
    lru,
  };
}

function describeTarget(options: ReplayOptions, target: ReplayTarget): string {
  if (options.destination.kind === 'server') return target.description;
  const memory = `${(options.memoryBytes / 1024 ** 2).toLocaleString('en')} MiB`;
  const entries =
    options.entriesMax === undefined
      ? ''
      : `, at most ${options.entriesMax.toLocaleString('en')} entries`;
  return `${target.description}, ${memory}${entries}`;
}
