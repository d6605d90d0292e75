import { describe, expect, test } from 'vitest';
import { boundNames, boundsOf, isReached } from '../../../bench/hit-ratio/bounds.js';
import type { HitRatioRow } from '../../../bench/hit-ratio/measurement.js';
import { formatRows, renderPage, traceTitle } from '../../../bench/hit-ratio/page.js';
import { renderPlot } from '../../../bench/hit-ratio/plot.js';
import { numberKeys } from '../../../bench/hit-ratio/trace-keys.js';

const MACHINE = {
  node: 'v20.19.0',
  cpu: 'a processor',
  cores: 2,
  memoryBytes: 2 ** 33,
  system: 'linux 6',
  commit: 'abc1234',
};
const POLICIES = ['lru', 'lfu', 's3fifo'];

function rowOf(lfu: number, changes: Partial<HitRatioRow> = {}): HitRatioRow {
  return {
    trace: 'lirs-a<b.trace.gz',
    requests: 100_000,
    uniqueKeys: 1_000,
    entries: 100,
    engine: { lru: 40.1, lfu, s3fifo: 45 },
    simulated: {
      exactLru: 40,
      belady: 60,
      fixedWindow: 50,
      adaptiveWindow: lfu,
      s3Fifo: 45.2,
    },
    libCacheSim: { LRU: 40, S3FIFO: 45.5 },
    ...changes,
  };
}

function boundCalled(name: string, rows: readonly HitRatioRow[]) {
  return boundsOf(rows).filter((bound) => bound.name === name);
}

describe('the bounds', () => {
  test('are all reached by good figures', () => {
    const bounds = boundsOf([rowOf(52)]);
    for (const { name } of bounds) expect(boundNames(POLICIES)).toContain(name);
    expect(bounds.filter((bound) => !isReached(bound))).toEqual([]);
  });

  test('know long and short traces and name the rows that miss', () => {
    const short = rowOf(48, { requests: 40_000 });
    expect(boundCalled('lfu.loss.short', [short]).every(isReached)).toBe(true);
    expect(boundCalled('lfu.loss.long', [short])).toEqual([]);
    const [bound] = boundCalled('lfu.loss.long', [rowOf(52), rowOf(48)]);
    expect(bound).toMatchObject({
      value: 2,
      limit: 1.5,
      missedRows: ['lirs-a<b.trace.gz, 100 entries'],
    });
  });

  test('compare the mean with exact LRU and with the fixed window', () => {
    const means = boundCalled('lfu.mean', [rowOf(45)]);
    expect(means.map(isReached)).toEqual([true, false]);
  });

  test('leave out the rows in which libCacheSim refuses everything', () => {
    const degenerate = rowOf(52, { entries: 10, libCacheSim: { S3FIFO: 0 } });
    expect(boundCalled('s3fifo.difference', [degenerate])).toEqual([]);
    expect(boundCalled('s3fifo.difference', [rowOf(52), degenerate]).every(isReached)).toBe(true);
  });

  test('of a policy that was not measured there are none', () => {
    const rows = [rowOf(52, { engine: { lru: 39 } })];
    expect(boundsOf(rows).map((bound) => [bound.name, isReached(bound)])).toEqual([
      ['lru.difference', false],
    ]);
  });
});

describe('the page and the plot', () => {
  const rows = [rowOf(52), rowOf(30, { entries: 200 }), rowOf(52, { trace: 'other.csv' })];

  test('show every row, every policy and what is missed', () => {
    const page = renderPage(rows, MACHINE, 'npm run bench -- hit-ratio');
    expect(page).toContain(
      '| lirs-a<b | 200 | 500 | 40.10 | 30.00 | 45.00 | 40.00 | 50.00 | 60.00 |',
    );
    expect(page).toContain('**missed**: lirs-a<b.trace.gz, 200 entries');
    expect(formatRows(rows).split('\n')).toHaveLength(rows.length + 3);
    expect(formatRows([])).toContain('no trace');
  });

  test('draw a bar per row and series, and escape names', () => {
    const plot = renderPlot(rows);
    const series = POLICIES.length + 1;
    expect(plot.match(/<g><title>/g)).toHaveLength(rows.length * series);
    expect(plot).toContain('lirs-a&lt;b');
    expect(plot).not.toContain('NaN');
    expect(plot.match(/<g\b/g)).toHaveLength((plot.match(/<\/g>/g) ?? []).length);
  });

  test('name traces without what their files end with', () => {
    expect(traceTitle('arc-OLTP.lis.zst')).toBe('arc-OLTP');
    expect(traceTitle('lirs-2_pools.trace.gz')).toBe('lirs-2_pools');
  });
});

test('keys are numbered in order of their first request', () => {
  const { requests, keyCount } = numberKeys(['b', 'a', 'b', 'c']);
  expect([...requests]).toEqual([0, 1, 0, 2]);
  expect(keyCount).toBe(3);
});
