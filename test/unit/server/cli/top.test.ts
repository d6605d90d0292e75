import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { CommandError } from '../../../../server/cli/command-error.js';
import { describeStats } from '../../../../server/cli/stats.js';
import { colorsFor } from '../../../../server/cli/terminal-text.js';
import { renderFrame, sparkline } from '../../../../server/cli/top/render-frame.js';
import { sampleToJson, type TopSample, TopSampler } from '../../../../server/cli/top/top-sample.js';
import { runTop, type TopParts } from '../../../../server/cli/top/watch-top.js';
import type { StatsReport } from '../../../../server/observability/stats-report.js';
import { until } from '../../../support/until.js';
import { statsOf } from './stats-sample.js';

const ESCAPE = '\u001b';
const OTHER_SCREEN = `${ESCAPE}[?1049h${ESCAPE}[?25l`;
const FIRST_SCREEN = `${ESCAPE}[?25h${ESCAPE}[?1049l`;
const PLAIN = colorsFor({ isTTY: false, write: () => true }, {});

function compare(before: StatsReport, after: StatsReport, seconds: number): TopSample {
  return new TopSampler(before).next(after, seconds);
}

class OutputDouble extends EventEmitter {
  written = '';
  columns = 100;
  rows = 30;
  readonly isTTY: boolean;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  write(text: string | Uint8Array): boolean {
    this.written += String(text);
    return true;
  }
}

class InputDouble extends EventEmitter {
  readonly isTTY = true;
  isRaw = false;
  isPaused = true;

  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw;
  }

  resume(): void {
    this.isPaused = false;
  }

  pause(): void {
    this.isPaused = true;
  }

  press(keys: string): void {
    this.emit('data', Buffer.from(keys));
  }
}

function start(
  isTTY: boolean,
  changes: Partial<TopParts> = {},
): { output: OutputDouble; input: InputDouble; ended: Promise<void>; stop: AbortController } {
  const output = new OutputDouble(isTTY);
  const input = new InputDouble();
  const stop = new AbortController();
  let asked = 0;
  const ended = runTop({
    address: 'http://127.0.0.1:8080',
    intervalMs: 5,
    count: Number.POSITIVE_INFINITY,
    isJson: false,
    readStats: () => {
      asked += 1;
      return Promise.resolve(
        statsOf({
          hits: 900 + asked * 10,
          uptimeSeconds: 100 + asked,
          countedAtSeconds: 100 + asked,
        }),
      );
    },
    output,
    input,
    signal: stop.signal,
    ...changes,
  });
  return { output, input, ended, stop };
}

describe('what happened between two readings', () => {
  test('is told as rates', () => {
    const before = statsOf();
    const after = statsOf({
      uptimeSeconds: 102,
      countedAtSeconds: 102,
      hits: 990,
      misses: 110,
      sets: 30,
      deletes: 9,
      evictions: 8,
      expirations: 17,
      operations: {
        get: { ...before.operations.get, ok: 1_100 } as never,
        set_ttl: { ok: 4, refused: 0, failed: 0, p50Ms: 1, p90Ms: 2, p99Ms: 3, maxBucketMs: null },
      },
    });
    expect(compare(before, after, 2)).toMatchObject({
      readsPerSecond: 50,
      hitRatio: 0.9,
      setsPerSecond: 10,
      deletesPerSecond: 2,
      evictionsPerSecond: 1,
      expirationsPerSecond: 5,
      operations: [
        { name: 'get', perSecond: 50, p50Ms: 0.1, p99Ms: 1.5 },
        { name: 'set_ttl', perSecond: 2 },
      ],
    });
  });

  test('has no hit ratio without reads, and no negative rates after a new start', () => {
    expect(compare(statsOf(), statsOf(), 1).hitRatio).toBeUndefined();
    const later = { uptimeSeconds: 1, countedAtSeconds: 1, hits: 5, misses: 5 };
    const anew = compare(statsOf(), statsOf(later), 1);
    expect(anew).toMatchObject({ readsPerSecond: 0, setsPerSecond: 0 });
  });

  test('goes by the time at which the engine was read, and stays until it is read again', () => {
    const sampler = new TopSampler(statsOf());
    const read = statsOf({ countedAtSeconds: 102, hits: 1_000 });
    expect(sampler.next(read, 1).readsPerSecond).toBe(50);
    expect(sampler.next(read, 1)).toMatchObject({ readsPerSecond: 50, hitRatio: 1 });
    // Of another thread, which read earlier.
    const older = statsOf({ countedAtSeconds: 101.5, hits: 990 });
    expect(sampler.next(older, 1).readsPerSecond).toBe(50);
    const later = statsOf({ countedAtSeconds: 104, hits: 1_000 });
    expect(sampler.next(later, 1)).toMatchObject({ readsPerSecond: 0, hitRatio: undefined });
  });

  test('is one line of JSON', () => {
    const line = sampleToJson(compare(statsOf(), statsOf(), 1), new Date(0));
    expect(line).not.toContain('\n');
    expect(JSON.parse(line)).toMatchObject({
      time: '1970-01-01T00:00:00.000Z',
      hitRatio: null,
      readsPerSecond: 0,
      memoryBytes: 16 * 1_024 ** 2,
      operations: { get: { p50Ms: 0.1, p90Ms: 0.2, p99Ms: 1.5 } },
      shards: [{ items: 10 }, { items: 10 }],
    });
  });
});

describe('the picture', () => {
  const frame = {
    address: 'http://127.0.0.1:8080',
    samples: [
      compare(statsOf(), statsOf({ uptimeSeconds: 101, countedAtSeconds: 101, hits: 1_000 }), 1),
    ],
    trouble: undefined,
  };

  test('shows rates, latencies, and the memory of each shard', () => {
    const text = renderFrame(frame, { columns: 120, rows: 40 }, PLAIN).join('\n');
    expect(text).toContain('hotshard 1.2.3 at http://127.0.0.1:8080  up 1m 41s');
    expect(text).toMatch(/hit ratio +100\.0 %, 90\.0 % since the start/);
    expect(text).toMatch(/reads +100\/s/);
    expect(text).toMatch(/get +0 +0\.10 ms +0\.20 ms +1\.50 ms/);
    expect(text).toMatch(/^0 +███░+ +12\.5 % +1\.0 MiB +10 +4 +3$/m);
    expect(text).toMatch(/^1 +░+ +0\.0 %/m);
    expect(text).not.toContain(ESCAPE);
  });

  test.each([
    [120, 40],
    [40, 8],
    [10, 3],
    [1, 1],
  ])('fits a terminal of %i columns and %i rows', (columns, rows) => {
    const lines = renderFrame(frame, { columns, rows }, PLAIN);
    expect(lines.length).toBeLessThanOrEqual(rows);
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
  });

  test('draws numbers as bars', () => {
    expect(sparkline([0, 50, 100])).toBe('▁▅█');
    expect(sparkline([0, 0])).toBe('▁▁');
    expect(sparkline([])).toBe('');
  });
});

describe('on a terminal', () => {
  test.each(['q', 'Q', '\u0003', '\u0004', ESCAPE])('key %j ends it and restores', async (key) => {
    const { output, input, ended } = start(true);
    await until('it is drawn twice', () => output.written.split(`${ESCAPE}[H`).length > 2);
    expect(output.written.startsWith(OTHER_SCREEN)).toBe(true);
    expect(input).toMatchObject({ isRaw: true, isPaused: false });
    input.press(key);
    await ended;
    expect(output.written.endsWith(FIRST_SCREEN)).toBe(true);
    expect(input).toMatchObject({ isRaw: false, isPaused: true });
    expect(input.listenerCount('data') + output.listenerCount('resize')).toBe(0);
  });

  test('a signal ends it too, and other keys do not', async () => {
    const { output, input, ended, stop } = start(true);
    await until('it is drawn', () => output.written.includes('hit ratio'));
    input.press(`${ESCAPE}[A`);
    input.press('x');
    const drawn = output.written.length;
    await until('it goes on', () => output.written.length > drawn);
    stop.abort();
    await ended;
    expect(output.written.endsWith(FIRST_SCREEN)).toBe(true);
  });

  test('a terminal that changes its size is drawn anew at once', async () => {
    const { output, input, ended } = start(true, { intervalMs: 3_600_000 });
    await until('it is drawn', () => output.written.includes('shard'));
    output.written = '';
    output.rows = 2;
    output.emit('resize');
    expect(output.written).toContain('hotshard 1.2.3');
    expect(output.written).not.toContain('shard  memory');
    input.press('q');
    await ended;
  });

  test('a terminal that does not know its size is drawn on as usual', async () => {
    const { output, input, ended } = start(true, { intervalMs: 3_600_000 });
    await until('it is drawn', () => output.written.includes('shard'));
    output.written = '';
    output.rows = 0;
    output.columns = 0;
    output.emit('resize');
    expect(output.written).toContain('shard');
    input.press('q');
    await ended;
  });

  test('a service that is away for a while is told, and waited for', async () => {
    let asked = 0;
    const { output, input, ended } = start(true, {
      readStats: () => {
        asked += 1;
        if (asked > 1 && asked < 4) return Promise.reject(new CommandError('it is gone'));
        return Promise.resolve(statsOf({ version: asked < 4 ? '1.2.3' : '9.9.9' }));
      },
    });
    await until('the failure is shown', () => output.written.includes('it is gone'));
    await until('it is back', () => output.written.includes('hotshard 9.9.9'));
    input.press('q');
    await ended;
  });

  test('a fault of its own restores the terminal before it is told', async () => {
    let asked = 0;
    const { output, ended } = start(true, {
      readStats: () => {
        asked += 1;
        return asked > 1 ? Promise.reject(new TypeError('a fault')) : Promise.resolve(statsOf());
      },
    });
    await expect(ended).rejects.toThrow('a fault');
    expect(output.written.endsWith(FIRST_SCREEN)).toBe(true);
  });

  test('prints JSON where that is asked for', async () => {
    const { output, ended } = start(true, { isJson: true, count: 2 });
    await ended;
    const lines = output.written.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { items: number }).items)).toEqual([20, 20]);
  });
});

describe('elsewhere', () => {
  test('a line for each interval, without codes', async () => {
    const { output, ended } = start(false, { count: 3 });
    await ended;
    const lines = output.written.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(/^reads [0-9,]+\/s, hit ratio 100\.0 %, sets 0/);
    expect(output.written).not.toContain(ESCAPE);
  });

  test('a service that cannot be asked ends it', async () => {
    let asked = 0;
    const { ended } = start(false, {
      readStats: () => {
        asked += 1;
        return asked > 1
          ? Promise.reject(new CommandError('it is gone'))
          : Promise.resolve(statsOf());
      },
    });
    await expect(ended).rejects.toThrow('it is gone');
  });

  test('stats are lines for people', () => {
    const text = describeStats(statsOf(), PLAIN);
    expect(text).toMatch(/^reads +900 hits, 100 misses, 90\.0 % hit ratio$/m);
    expect(text).toMatch(/^memory +2\.0 MiB of 16\.0 MiB$/m);
    expect(text).toMatch(/^set +10 +2 +0\.30 ms +0\.40 ms +12\.0 ms$/m);
    expect(describeStats(statsOf({ operations: {} }), PLAIN)).not.toContain('operation');
  });
});
