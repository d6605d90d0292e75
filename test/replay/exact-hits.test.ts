import { describe, expect, test } from 'vitest';
import { ExactLru } from '../../bench/hit-ratio/exact-lru.js';
import {
  type ExpectedTrace,
  findPublicTraces,
  isReadable,
  tracePath,
} from '../../bench/hit-ratio/public-traces.js';
import type { TraceRecord } from '../../bench/replay/formats/trace-format.js';
import { createTraceSource, type TracePass } from '../../bench/replay/trace-source.js';
import { WORKLOADS } from '../../bench/replay/workloads.js';
import { scale } from '../support/scale.js';

/** Longer traces are read when HOTSHARD_TEST_SCALE is above 1. */
const SHORT_REQUESTS_MAX = 1_000_000;
const FORMAT_OF_FILE: readonly (readonly [RegExp, string])[] = [
  [/\.lis\./, 'arc'],
  [/^lirs-/, 'lirs'],
  [/^corda-/, 'int64'],
  [/^cache2k-|w106/, 'int32'],
  [/^adaptsize/, 'adaptsize'],
  [/\.csv/, 'csv'],
];

async function openPass(file: string): Promise<TracePass & { readonly description: string }> {
  const source = await createTraceSource(file, {
    formatName: undefined,
    keyColumn: undefined,
    requestsMax: undefined,
  });
  return { ...(await source.openPass()), description: source.description };
}

async function forEachRecord(pass: TracePass, visit: (record: TraceRecord) => void): Promise<void> {
  try {
    for await (const batch of pass.batches) for (const record of batch) visit(record);
  } finally {
    await pass.close();
  }
}

/** Every record is one access here, whatever its operation: so the expected hits were counted. */
async function checkTrace(expected: ExpectedTrace): Promise<void> {
  const pass = await openPass(tracePath(expected.file));
  const format = FORMAT_OF_FILE.find(([pattern]) => pattern.test(expected.file))?.[1];
  expect(pass.description).toContain(`format ${format} by content`);
  const caches = [...expected.lruHits.keys()].map((entriesMax) => ({
    entriesMax,
    lru: new ExactLru({ kind: 'entries', entriesMax }),
    hits: 0,
  }));
  const keys = new Set<string>();
  await forEachRecord(pass, ({ key }) => {
    keys.add(key);
    for (const cache of caches) if (cache.lru.access(key)) cache.hits += 1;
  });
  expect(pass.tally).toMatchObject({ records: expected.requests, malformed: 0 });
  expect(keys.size).toBe(expected.uniqueKeys);
  expect(new Map(caches.map(({ entriesMax, hits }) => [entriesMax, hits]))).toEqual(
    expected.lruHits,
  );
}

const publicTraces = findPublicTraces();

if (publicTraces !== undefined) {
  const { traces, byteMisses } = publicTraces;
  const chosen = traces.filter(
    ({ file, requests }) => isReadable(file) && (scale() > 1 || requests <= SHORT_REQUESTS_MAX),
  );

  describe('public traces', () => {
    test.each(chosen)('$file gives the known hits of an exact LRU', checkTrace);

    const byteCases = [byteMisses].filter(({ file }) => isReadable(file));
    test.each(byteCases)('an LRU bounded by bytes gives the misses of $file', async () => {
      const pass = await openPass(tracePath(byteMisses.file));
      expect(pass.description).toContain('format oracle by content');
      const caches = byteMisses.cacheBytes.map((bytesMax) => ({
        lru: new ExactLru({ kind: 'bytes', bytesMax }),
        misses: 0,
      }));
      await forEachRecord(pass, ({ key, valueBytes }) => {
        for (const cache of caches) if (!cache.lru.access(key, valueBytes)) cache.misses += 1;
      });
      expect(pass.tally).toMatchObject({ records: byteMisses.requests, malformed: 0 });
      expect(caches.map(({ misses }) => misses)).toEqual(byteMisses.missCounts);
    });
  });
}

/** The textbook cache: a list of keys, the newest at its end. */
function naiveLruHits(keys: readonly string[], entriesMax: number): number {
  const held: string[] = [];
  let hits = 0;
  for (const key of keys) {
    const index = held.indexOf(key);
    if (index !== -1) {
      hits += 1;
      held.splice(index, 1);
    } else if (held.length === entriesMax) held.shift();
    held.push(key);
  }
  return hits;
}

describe('generated workloads', () => {
  test.each(WORKLOADS)('workload $name gives the hits of a naive LRU', async ({ name }) => {
    const keys: string[] = [];
    const source = await createTraceSource(`workload:${name}`, {
      formatName: undefined,
      keyColumn: undefined,
      requestsMax: 20_000,
    });
    await forEachRecord(await source.openPass(), ({ key }) => keys.push(key));
    expect(keys).toHaveLength(20_000);
    for (const entriesMax of [1, 37, 400]) {
      const lru = new ExactLru({ kind: 'entries', entriesMax });
      const hits = keys.filter((key) => lru.access(key)).length;
      expect(hits).toBe(naiveLruHits(keys, entriesMax));
    }
  });
});
