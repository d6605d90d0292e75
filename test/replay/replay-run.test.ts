import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseCommandLine, type ReplayOptions } from '../../bench/replay/options.js';
import { runReplay } from '../../bench/replay/replay-run.js';
import type { ReplayTarget } from '../../bench/replay/replay-target.js';
import { formatReport, type ReplayReport, reportJson } from '../../bench/replay/report.js';
import { MemoryTarget } from './memory-target.js';

const MACHINE = {
  node: 'v20',
  cpu: 'any',
  cores: 2,
  memoryBytes: 1,
  system: 'any',
  commit: 'abc',
};
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotshard-replay-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function optionsOf(...argv: string[]): ReplayOptions {
  const commandLine = parseCommandLine(argv);
  if (commandLine.kind === 'help') throw new Error('no options');
  return commandLine;
}

function replay(target: ReplayTarget, ...argv: string[]): Promise<ReplayReport> {
  return runReplay(optionsOf(...argv), target, { write: () => undefined });
}

describe('requests', () => {
  test('a get that misses stores the value; sets and deletes are applied in order', async () => {
    const path = write(
      'ops.csv',
      'key,op,size\na,GET,5\na,GET,6\nb,SET,7\nb,GET,8\na,DELETE,0\na,GET,9\nc,GET,\n',
    );
    const target = new MemoryTarget({ kind: 'entries', entriesMax: 10 });
    const report = await replay(target, path);
    expect(target.log).toEqual([
      'get a',
      'set a 5',
      'get a',
      'set b 7',
      'get b',
      'delete a',
      'get a',
      'set a 9',
      'get c',
      'set c 100',
    ]);
    expect(report.outcome.counts).toMatchObject({
      requests: 7,
      gets: 5,
      hits: 2,
      sets: 1,
      deletes: 1,
      tooLarge: 0,
    });
    expect(report.lru).toEqual({ gets: 5, hits: 2 });
    expect(report.outcome.latency.count).toBe(5);
  });

  test('--value-bytes overrides the sizes of the trace', async () => {
    const target = new MemoryTarget({ kind: 'entries', entriesMax: 10 });
    await replay(target, write('sizes.csv', 'key,size\na,5\n'), '--value-bytes', '12');
    expect(target.log).toEqual(['get a', 'set a 12']);
  });
});

describe('the exact LRU beside it', () => {
  test.each(['zipf', 'loop', 'scan', 'shift'])(
    'equals an LRU of as many entries: %s',
    async (name) => {
      const target = new MemoryTarget({ kind: 'entries', entriesMax: 700 });
      const argv = [`workload:${name}`, '--limit', '30000', '--entries', '700'];
      const report = await replay(target, ...argv);
      expect(report.bound).toEqual({ kind: 'entries', entriesMax: 700 });
      expect(report.lru.hits).toBe(report.outcome.counts.hits);
    },
  );

  test('without --entries it has the bytes that the cache held at the end', async () => {
    const target = new MemoryTarget({ kind: 'bytes', bytesMax: 100_000 }, 1_000_000);
    const report = await replay(target, 'workload:zipf', '--limit', '30000');
    expect(report.bound.kind === 'bytes' && report.bound.bytesMax).toBeGreaterThan(99_000);
    expect(report.bound.kind === 'bytes' && report.bound.bytesMax).toBeLessThanOrEqual(100_000);
    const difference = Math.abs(report.lru.hits - report.outcome.counts.hits);
    expect(difference / 30_000).toBeLessThan(0.002);
  });

  test('a sample of the keys is enough where asking for all would take long', async () => {
    const target = new MemoryTarget({ kind: 'bytes', bytesMax: 100_000 }, 1_500);
    const report = await replay(target, 'workload:zipf', '--limit', '30000');
    const difference = Math.abs(report.lru.hits - report.outcome.counts.hits);
    expect(difference / 30_000).toBeLessThan(0.02);
  });

  test('it has no bound when nothing was evicted', async () => {
    const target = new MemoryTarget({ kind: 'entries', entriesMax: 100_000 });
    const report = await replay(target, 'workload:shift', '--limit', '30000');
    expect(report.bound).toEqual({ kind: 'bytes', bytesMax: Number.POSITIVE_INFINITY });
    expect(report.lru.hits).toBe(report.outcome.counts.hits);
  });

  test('it does not store what the cache refused for its size', async () => {
    const target = new MemoryTarget({ kind: 'entries', entriesMax: 10 }, 100, 1_000);
    const rows = ['a,5', 'big,2000', 'big,2000', 'huge,9000', 'a,5', 'b,1000', 'b,1000'];
    const path = write('large.csv', `key,size\n${rows.join('\n')}\n`);
    const report = await replay(target, path, '--entries', '10');
    expect(report.outcome.counts).toMatchObject({ hits: 2, tooLarge: 3, tooLargeBytesMin: 2_000 });
    expect(report.lru.hits).toBe(2);
    expect(formatReport(report)).toMatch(/too large +3 values from 2.0 KiB up/);
  });
});

describe('the report', () => {
  test('says what people and programs want to know', async () => {
    const target = new MemoryTarget({ kind: 'entries', entriesMax: 500 });
    const report = await replay(target, 'workload:zipf', '--entries', '500', '--limit', '5000');
    const text = formatReport(report);
    expect(text).toMatch(/^requests +5,000 +\(5,000 gets, 0 sets, 0 deletes\) in/m);
    expect(text).toMatch(/^hit ratio +\d+\.\d\d %$/m);
    expect(text).toMatch(/^exact LRU +\d+\.\d\d % +\(500 entries; difference \+0\.00 points\)$/m);
    expect(text).toMatch(/^get +p50 .+ p99 .+ p99\.9 .+s$/m);
    expect(JSON.parse(reportJson(report, MACHINE))).toMatchObject({
      suite: 'replay',
      node: 'v20',
      commit: 'abc',
      counts: { requests: 5_000, tooLargeBytesMin: null },
      results: [
        { name: 'requests', value: 5_000 },
        { name: 'hit.ratio', unit: '%', peer: 'exact LRU', ratio: 1 },
        { name: 'get.p50', unit: 'ns' },
        { name: 'get.p99', unit: 'ns' },
        { name: 'get.p999', unit: 'ns' },
      ],
    });
  });

  test('says when the memory was full before the entries', async () => {
    const target = new MemoryTarget({ kind: 'bytes', bytesMax: 10_000 });
    const report = await replay(target, 'workload:zipf', '--entries', '5000', '--limit', '5000');
    expect(formatReport(report)).toMatch(/the memory was full before the entries/);
  });

  test('counts malformed lines and shows the first', async () => {
    const target = new MemoryTarget({ kind: 'entries', entriesMax: 5 });
    const report = await replay(
      target,
      write('odd.lis', '1 1 0 1\noops\n2 1 0 1\n'),
      '--format',
      'arc',
    );
    expect(formatReport(report)).toMatch(/malformed +1, left out; the first is line 2: "oops"/);
    expect(report.outcome.counts.requests).toBe(2);
  });
});

describe('a file that is no trace', () => {
  test('fails when nothing of it can be read, and names the line', async () => {
    const target = new MemoryTarget({ kind: 'entries', entriesMax: 5 });
    const path = write('prose.lis', 'once upon\na time\n');
    await expect(replay(target, path, '--format', 'arc')).rejects.toThrow(
      /all 2 lines or records are malformed; the first is line 1: "once upon"/,
    );
    const posts = '::1 - - [1/Jan/2026:00:00:00 +0000] "POST / HTTP/1.1" 200 5 "-" "-"\n';
    await expect(replay(target, write('posts.log', posts))).rejects.toThrow(/no request in it/);
  });
});
