import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nextRequests } from '../hit-ratio/belady.js';
import { type Bound, boundNames, boundsOf } from '../hit-ratio/bounds.js';
import { ENGINE_POLICIES } from '../hit-ratio/engine-policies.js';
import { type HitRatioRow, type MeasuredTrace, measureRow } from '../hit-ratio/measurement.js';
import { formatRows, PLOT_FILE, renderPage } from '../hit-ratio/page.js';
import { renderPlot } from '../hit-ratio/plot.js';
import {
  decompressorOf,
  findPublicTraces,
  isReadable,
  repositoryRoot,
  tracePath,
} from '../hit-ratio/public-traces.js';
import { numberKeys, readTraceKeys } from '../hit-ratio/trace-keys.js';
import type { TraceSelection } from '../lib/command-line.js';
import { describeMachine } from '../lib/machine.js';
import {
  atLeast,
  atMost,
  type BenchContext,
  type Result,
  type Skip,
  type Suite,
  type SuiteOutcome,
} from '../lib/suite.js';
import { fold } from '../lib/workload.js';
import { WORKLOADS } from '../replay/workloads.js';

const QUICK_REQUESTS_MAX = 200_000;
const PAGE_FILE = 'HIT-RATIOS.md';
/** A generated trace, for a run that only shows that the code works. */
const SMOKE_TRACE = {
  workload: 'scan',
  sizes: { seed: 1, requestCount: 6_000, keyCount: 600 },
  entries: [12, 60, 200],
};

/** A trace that is read when its turn comes, so that one is held at a time. */
interface PendingTrace {
  readonly name: string;
  read(): Promise<MeasuredTrace>;
}

function smokeTraces(): PendingTrace[] {
  return WORKLOADS.filter(({ name }) => name === SMOKE_TRACE.workload).map((workload) => ({
    name: `workload:${workload.name}`,
    read: async () => {
      const keys = numberKeys(workload.keyNumbers(SMOKE_TRACE.sizes));
      const next = nextRequests(keys.requests, keys.keyCount);
      const { entries } = SMOKE_TRACE;
      return { ...keys, name: `workload:${workload.name}`, entries, expected: undefined, next };
    },
  }));
}

interface Found {
  readonly traces: readonly PendingTrace[];
  readonly skipped: readonly Skip[];
}

function findTraces({ trace: wanted, entries, quick }: TraceSelection): Found {
  const skipped: Skip[] = [];
  const known = findPublicTraces();
  if (known === undefined) {
    const reason = 'no expected-hit-ratios.json in the folder that HOTSHARD_TRACES names';
    return { traces: [], skipped: [{ name: 'all traces', peer: 'exact LRU', reason }] };
  }
  const selected = known.traces.filter(
    ({ file, requests, lruHits }) =>
      file.includes(wanted ?? '') &&
      !(quick && requests > QUICK_REQUESTS_MAX) &&
      (entries === undefined || lruHits.has(entries)),
  );
  if (selected.length === 0) {
    const names = known.traces.map(({ file }) => file).join(', ');
    throw new RangeError(`no trace and size like that; there are ${names}`);
  }
  const readable = selected.filter(({ file }) => {
    if (isReadable(file)) return true;
    const reason = `needs ${decompressorOf(file)}, which is not on the PATH`;
    skipped.push({ name: file, peer: 'exact LRU', reason });
    return false;
  });
  const traces = readable.map((expected) => ({
    name: expected.file,
    read: async () => {
      const keys = await readTraceKeys(tracePath(expected.file));
      const sizes = [...expected.lruHits.keys()];
      return {
        ...keys,
        name: expected.file,
        entries: entries === undefined ? sizes : [entries],
        expected,
        next: nextRequests(keys.requests, keys.keyCount),
      };
    },
  }));
  return { traces, skipped };
}

async function measureAll(
  traces: readonly PendingTrace[],
  { seed, log }: BenchContext,
): Promise<HitRatioRow[]> {
  const rows: HitRatioRow[] = [];
  for (const pending of traces) {
    const trace = await pending.read();
    for (const entries of trace.entries) {
      const startMs = performance.now();
      rows.push(await measureRow(trace, entries, ENGINE_POLICIES, seed));
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
      log(`${trace.name}, ${entries} entries: ${seconds} s`);
    }
  }
  return rows;
}

function resultOf(bound: Bound): Result {
  const ratio = bound.value / bound.limit;
  return {
    name: bound.name,
    unit: bound.kind === 'least' ? '%' : 'points',
    value: bound.value,
    peer: bound.limitName,
    peerValue: bound.limit,
    ratio,
    spread: { min: ratio, max: ratio },
    goal: bound.kind === 'least' ? atLeast(1) : atMost(1),
    aim: null,
    rounds: 1,
  };
}

/** Folds the exact figures: those of the engine's `lfu` depend on the random seed of its hash. */
function hashOf(rows: readonly HitRatioRow[]): number {
  let hash = 0;
  for (const { requests, simulated } of rows) {
    hash = fold(hash, Math.round((simulated.exactLru * requests) / 100));
    hash = fold(hash, Math.round((simulated.belady * requests) / 100));
  }
  return hash;
}

async function writePages(folder: string, rows: readonly HitRatioRow[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const command = 'npm run bench -- hit-ratio';
  await writeFile(join(folder, PAGE_FILE), renderPage(rows, describeMachine(), command));
  await writeFile(join(folder, PLOT_FILE), renderPlot(rows));
}

/** The folder for the page and the plot; undefined where none are to be written. */
function pagesFolder(context: BenchContext, skipped: readonly Skip[]): string | undefined {
  const { trace, entries, quick, outFolder } = context.selection;
  if (outFolder !== undefined) return outFolder;
  const isComplete =
    trace === undefined &&
    entries === undefined &&
    !quick &&
    !context.smoke &&
    skipped.length === 0;
  return isComplete ? join(repositoryRoot, 'docs') : undefined;
}

async function run(context: BenchContext): Promise<SuiteOutcome> {
  const { traces, skipped } = context.smoke
    ? { traces: smokeTraces(), skipped: [] }
    : findTraces(context.selection);
  const rows = await measureAll(traces, context);
  const folder = pagesFolder(context, skipped);
  if (folder !== undefined && rows.length > 0) {
    await writePages(folder, rows);
    context.log(`wrote ${join(folder, PAGE_FILE)} and ${join(folder, PLOT_FILE)}`);
  }
  const bounds = boundsOf(rows);
  return {
    results: bounds.map(resultOf),
    skipped,
    hash: hashOf(rows),
    pages: [formatRows(rows)],
    details: { rows, bounds },
  };
}

export const hitRatioSuite: Suite = {
  name: 'hit-ratio',
  summary:
    'What do the eviction policies hit of recorded traces, beside exact LRU and the optimum?',
  resultNames: boundNames(ENGINE_POLICIES.map(({ name }) => name)),
  run,
};
