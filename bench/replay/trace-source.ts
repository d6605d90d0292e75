import { nearestName } from '../../src/nearest-name.js';
import { type DetectedFormat, detectFormat, formatOfName } from './formats/registry.js';
import type { ParserSettings, TraceRecord } from './formats/trace-format.js';
import { ReplayError } from './replay-error.js';
import { openTrace } from './trace-input.js';
import { createTally, readRecords, type TraceTally } from './trace-reader.js';
import { WORKLOADS, workloadRecords } from './workloads.js';

/** Prefix of a FILE argument that names a generated workload. */
export const WORKLOAD_PREFIX = 'workload:';
const WORKLOAD_SEED = 1;
const WORKLOAD_REQUESTS = 200_000;
const WORKLOAD_KEYS = 20_000;

/** One pass over all requests. */
export interface TracePass {
  readonly batches: AsyncIterable<readonly TraceRecord[]>;
  readonly tally: TraceTally;
  /** Share of the pass that is done, 0 to 1. */
  fraction(): number;
  close(): Promise<void>;
}

/** Requests that can be read several times, each time the same. */
export interface TraceSource {
  /** One line for the report. */
  readonly description: string;
  openPass(): Promise<TracePass>;
}

export interface TraceSourceSettings extends ParserSettings {
  /** Name of the format; undefined to recognise it. */
  readonly formatName: string | undefined;
  /** Most requests to read. */
  readonly requestsMax: number | undefined;
}

/** A trace file, or `workload:NAME`. Throws a `ReplayError` when it cannot be read as one. */
export async function createTraceSource(
  file: string,
  settings: TraceSourceSettings,
): Promise<TraceSource> {
  return file.startsWith(WORKLOAD_PREFIX)
    ? workloadSource(file.slice(WORKLOAD_PREFIX.length), settings)
    : await fileSource(file, settings);
}

async function fileSource(path: string, settings: TraceSourceSettings): Promise<TraceSource> {
  const first = await openTrace(path);
  let detected: DetectedFormat;
  try {
    detected =
      settings.formatName === undefined
        ? detectFormat(path, first.sample)
        : { format: formatOfName(settings.formatName), by: 'option' };
  } finally {
    await first.close();
  }
  const { format, by } = detected;
  if (format.name !== 'csv' && settings.keyColumn !== undefined) {
    throw new ReplayError(`--column needs the format csv, and ${path} is read as ${format.name}`);
  }
  const compression = first.compression === 'none' ? '' : `, ${first.compression}`;
  return {
    description: `${path} (format ${format.name} by ${by}${compression})`,
    openPass: async () => {
      const input = await openTrace(path);
      const tally = createTally();
      const records = nameFile(path, readRecords(input.chunks, format, settings, tally));
      return limitedPass(records, tally, settings.requestsMax, {
        fraction: () => (input.sizeBytes === 0 ? 1 : input.readBytes() / input.sizeBytes),
        close: () => input.close(),
      });
    },
  };
}

/** Parsers do not know the file: their complaints get its name here. */
async function* nameFile(
  path: string,
  records: AsyncIterable<TraceRecord[]>,
): AsyncGenerator<TraceRecord[]> {
  try {
    yield* records;
  } catch (error) {
    if (!(error instanceof ReplayError) || error.message.startsWith(path)) throw error;
    throw new ReplayError(`${path}: ${error.message}`, { cause: error });
  }
}

function workloadSource(name: string, settings: TraceSourceSettings): TraceSource {
  const workload = WORKLOADS.find((candidate) => candidate.name === name);
  if (workload === undefined) {
    const names = WORKLOADS.map((candidate) => candidate.name);
    const near = nearestName(name, names);
    throw new ReplayError(
      `unknown workload "${name}"${near === undefined ? '' : `, did you mean "${near}"?`} ` +
        `The workloads are ${names.join(', ')}`,
    );
  }
  const sizes = { seed: WORKLOAD_SEED, requestCount: WORKLOAD_REQUESTS, keyCount: WORKLOAD_KEYS };
  return {
    description: `generated workload ${name}: ${workload.summary}`,
    openPass: async () => {
      const tally = createTally();
      return limitedPass(workloadRecords(workload, sizes), tally, settings.requestsMax, {
        fraction: () => tally.records / WORKLOAD_REQUESTS,
        close: async () => undefined,
      });
    },
  };
}

function limitedPass(
  records: AsyncIterable<TraceRecord[]>,
  tally: TraceTally,
  requestsMax: number | undefined,
  input: Pick<TracePass, 'fraction' | 'close'>,
): TracePass {
  let passed = 0;
  async function* limited(): AsyncGenerator<TraceRecord[]> {
    for await (const batch of records) {
      const room = requestsMax === undefined ? batch.length : requestsMax - passed;
      const allowed = batch.length <= room ? batch : batch.slice(0, room);
      passed += allowed.length;
      tally.records = passed;
      if (allowed.length > 0) yield allowed;
      if (requestsMax !== undefined && passed >= requestsMax) return;
    }
  }
  return {
    batches: limited(),
    tally,
    fraction: () =>
      Math.max(input.fraction(), requestsMax === undefined ? 0 : passed / requestsMax),
    close: input.close,
  };
}
