/** Measures every cache over one trace at one number of entries. */
import { createRandom, seedFor } from '../lib/random.js';
import { AdaptiveWindowTinyLfu } from './adaptive-window.js';
import { beladyHits } from './belady.js';
import { type EnginePolicy, engineHits } from './engine-policies.js';
import { ExactLru } from './exact-lru.js';
import { FixedWindowTinyLfu } from './fixed-window.js';
import type { ExpectedTrace } from './public-traces.js';
import { S3Fifo } from './s3-fifo.js';
import { countHits } from './simulator.js';
import type { TraceKeys } from './trace-keys.js';

/** Simulated caches, besides the engine's policies. */
export interface SimulatedRatios {
  readonly exactLru: number;
  readonly belady: number;
  /** W-TinyLFU with a window of always 1 %. */
  readonly fixedWindow: number;
  /** The rule of the engine's `lfu`, without the engine. */
  readonly adaptiveWindow: number;
  readonly s3Fifo: number;
}

/** One line of the table. All ratios are hits per request in per cent. */
export interface HitRatioRow {
  readonly trace: string;
  readonly requests: number;
  readonly uniqueKeys: number;
  readonly entries: number;
  /** By the name of the engine's policy. */
  readonly engine: Readonly<Record<string, number>>;
  readonly simulated: SimulatedRatios;
  /** By libCacheSim's name of the policy; empty for a trace that it has not seen. */
  readonly libCacheSim: Readonly<Record<string, number>>;
}

/** A trace, read, with what is known of it. */
export interface MeasuredTrace extends TraceKeys {
  readonly name: string;
  readonly entries: readonly number[];
  /** Undefined for a generated trace. */
  readonly expected: ExpectedTrace | undefined;
  /** As `nextRequests` returns it. */
  readonly next: Int32Array;
}

/** Published ratios are rounded to two decimals. */
const ROUNDING = 0.005 + 1e-9;

function exactLruHits(trace: TraceKeys, entriesMax: number): number {
  const keys = Array.from({ length: trace.keyCount }, (_, number) => String(number));
  const lru = new ExactLru({ kind: 'entries', entriesMax });
  let hits = 0;
  for (const number of trace.requests) if (lru.access(keys[number] as string)) hits += 1;
  return hits;
}

function simulate(trace: MeasuredTrace, entries: number, seed: number): SimulatedRatios {
  const { requests, keyCount, next } = trace;
  const percent = (hits: number): number => (100 * hits) / requests.length;
  const random = (name: string) => createRandom(seedFor(seed, `${name} ${trace.name} ${entries}`));
  return {
    exactLru: percent(exactLruHits(trace, entries)),
    belady: percent(beladyHits(requests, next, entries)),
    fixedWindow: percent(
      countHits(new FixedWindowTinyLfu(keyCount, entries, random('fixed')), requests),
    ),
    adaptiveWindow: percent(
      countHits(new AdaptiveWindowTinyLfu(keyCount, entries, random('adaptive')), requests),
    ),
    s3Fifo: percent(countHits(new S3Fifo(keyCount, entries), requests)),
  };
}

/** Throws an Error when a simulation that is exact differs from the figure that is known. */
function checkAgainstExpected(row: HitRatioRow, expected: ExpectedTrace): void {
  const place = `${row.trace} with ${row.entries} entries`;
  const knownLru = expected.lruHits.get(row.entries);
  const lruHits = Math.round((row.simulated.exactLru * row.requests) / 100);
  if (lruHits !== knownLru) {
    throw new Error(`${place}: exact LRU has ${lruHits} hits, not ${knownLru}`);
  }
  const knownBelady = row.libCacheSim['Belady'];
  if (knownBelady !== undefined && Math.abs(row.simulated.belady - knownBelady) > ROUNDING) {
    throw new Error(`${place}: Belady has ${row.simulated.belady} %, not ${knownBelady} %`);
  }
}

function knownRatios(expected: ExpectedTrace | undefined, entries: number): Record<string, number> {
  const known: Record<string, number> = {};
  for (const [policy, figures] of expected?.libCacheSim ?? []) {
    const ratio = figures.get(entries);
    if (ratio !== undefined) known[policy] = ratio;
  }
  return known;
}

/**
 * Measures one line. Throws an Error when exact LRU or Belady's optimum differ from what is known
 * of the trace: then the trace or a simulation is wrong, and the other figures mean nothing.
 */
export async function measureRow(
  trace: MeasuredTrace,
  entries: number,
  policies: readonly EnginePolicy[],
  seed: number,
): Promise<HitRatioRow> {
  const engine: Record<string, number> = {};
  for (const policy of policies) {
    const hits = await engineHits(policy, trace, entries);
    engine[policy.name] = (100 * hits) / trace.requests.length;
  }
  const row: HitRatioRow = {
    trace: trace.name,
    requests: trace.requests.length,
    uniqueKeys: trace.keyCount,
    entries,
    engine,
    simulated: simulate(trace, entries, seed),
    libCacheSim: knownRatios(trace.expected, entries),
  };
  if (trace.expected !== undefined) checkAgainstExpected(row, trace.expected);
  return row;
}
