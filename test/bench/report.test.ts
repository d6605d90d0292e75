import { describe, expect, it } from 'vitest';
import { parseCommand, ROUNDS_MIN } from '../../bench/lib/command-line.js';
import { parseRedisBenchmark, parseWrk } from '../../bench/lib/http-load.js';
import { createRandom, shuffled } from '../../bench/lib/random.js';
import { createReport, formatReport } from '../../bench/lib/report.js';
import { interleave } from '../../bench/lib/rounds.js';
import { median, ratiosPerRound, spreadOf } from '../../bench/lib/statistics.js';
import { atLeast, atMost, compare, reaches } from '../../bench/lib/suite.js';
import { benchKey, benchObject } from '../../bench/lib/workload.js';

const MACHINE = {
  node: 'v20.19.0',
  cpu: 'a processor',
  cores: 2,
  memoryBytes: 2 ** 33,
  system: 'linux 6',
  commit: 'abc1234',
};

describe('statistics', () => {
  it('takes the middle sample, or the mean of the two middle ones', () => {
    expect(median([5, 1, 9])).toBe(5);
    expect(median([4, 1, 2, 9])).toBe(3);
    expect(() => median([])).toThrow(RangeError);
  });

  it('pairs the samples of a round', () => {
    expect(ratiosPerRound([2, 9], [4, 3])).toEqual([0.5, 3]);
    expect(spreadOf([0.5, 3, 1])).toEqual({ min: 0.5, max: 3 });
    expect(() => ratiosPerRound([1], [])).toThrow(RangeError);
  });
});

describe('a comparison', () => {
  it('reports medians, and the median of the ratios rather than the ratio of medians', () => {
    const result = compare({ name: 'n', unit: 'u', peer: 'p' }, [1, 2, 30], [10, 4, 10]);
    expect(result).toMatchObject({ value: 2, peerValue: 10, ratio: 0.5, rounds: 3, goal: null });
    expect(result.spread).toEqual({ min: 0.1, max: 3 });
  });

  it('is measured against its goal in the goal’s direction', () => {
    expect(reaches(1.4, atMost(1.45))).toBe(true);
    expect(reaches(1.5, atMost(1.45))).toBe(false);
    expect(reaches(1.5, atLeast(1.6))).toBe(false);
    expect(reaches(1.6, atLeast(1.6))).toBe(true);
  });
});

describe('interleaving', () => {
  it('runs each contender once per round and keeps samples by round', async () => {
    const turns: string[] = [];
    const contenders = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
    const samples = await interleave(contenders, 20, createRandom(7), async ({ name }, round) => {
      turns.push(name);
      return round;
    });
    for (let round = 0; round < 20; round++) {
      expect(turns.slice(3 * round, 3 * round + 3).sort()).toEqual(['a', 'b', 'c']);
    }
    const rounds = Array.from({ length: 20 }, (_, round) => round);
    expect([...samples.values()]).toEqual([rounds, rounds, rounds]);
  });

  it('draws the same order from the same seed', () => {
    const items = Array.from({ length: 50 }, (_, index) => index);
    expect(shuffled(items, createRandom(3))).toEqual(shuffled(items, createRandom(3)));
    expect(shuffled(items, createRandom(3))).not.toEqual(shuffled(items, createRandom(4)));
  });
});

describe('the workload', () => {
  it('has keys of 16 bytes and objects of about 100 bytes of JSON', () => {
    expect(benchKey(0)).toHaveLength(16);
    expect(benchKey(9_999_999)).toHaveLength(16);
    expect(benchKey(1)).not.toBe(benchKey(2));
    expect(JSON.stringify(benchObject(9999)).length).toBeGreaterThanOrEqual(90);
    expect(JSON.stringify(benchObject(2_000_000)).length).toBeLessThanOrEqual(115);
  });
});

describe('the report', () => {
  const result = compare({ name: 'n', unit: 'ns', peer: 'p', goal: atMost(1) }, [3], [2]);
  const outcome = { results: [result], skipped: [], hash: -1 };

  it('says whether a goal is reached, but never of a smoke run', () => {
    const real = createReport('engine', MACHINE, { smoke: false, seed: 1 }, outcome);
    expect(formatReport(real)).toContain('<= 1 MISSED');
    const smoke = createReport('engine', MACHINE, { smoke: true, seed: 1 }, outcome);
    expect(formatReport(smoke)).not.toMatch(/MISSED|reached/);
    expect(smoke.hash).toBe('ffffffff');
  });

  it('names what was not measured and why', () => {
    const skipped = [{ name: 'rss.perEntry', peer: 'memcached', reason: 'not on the PATH' }];
    const settings = { smoke: false, seed: 1 };
    const report = createReport('memory', MACHINE, settings, { ...outcome, skipped });
    expect(formatReport(report)).toContain('rss.perEntry against memcached: not on the PATH');
  });
});

describe('the command line', () => {
  it('reads a run with its settings', () => {
    const words = ['engine', '--smoke', '--json', 'out.json', '--rounds', '2'];
    expect(parseCommand(words)).toEqual({
      kind: 'run',
      suite: 'engine',
      smoke: true,
      jsonFile: 'out.json',
      rounds: 2,
      seed: 1,
      selection: { trace: undefined, entries: undefined, quick: false, outFolder: undefined },
    });
  });

  it('reads which traces are meant', () => {
    const words = ['hit-ratio', '--trace', 'loop', '--size', '256', '--quick', '--out', 'pages'];
    expect(parseCommand(words)).toMatchObject({
      selection: { trace: 'loop', entries: 256, quick: true, outFolder: 'pages' },
    });
    expect(() => parseCommand(['hit-ratio', '--size', '0'])).toThrow(RangeError);
  });

  it('refuses too few rounds, unknown flags and more than one suite', () => {
    expect(() => parseCommand(['engine', '--rounds', String(ROUNDS_MIN - 1)])).toThrow(RangeError);
    expect(() => parseCommand(['engine', '--rounds', '1e3'])).toThrow(RangeError);
    expect(() => parseCommand(['engine', '--fast'])).toThrow(TypeError);
    expect(() => parseCommand(['engine', 'http'])).toThrow(RangeError);
    expect(() => parseCommand([])).toThrow(RangeError);
  });
});

describe('the output of load tools', () => {
  const WRK = [
    '  Latency Distribution',
    '     50%  210.00us',
    '     99%    1.50ms',
    '  300000 requests in 3.00s, 60.00MB read',
    'Requests/sec:  99999.50',
  ];

  it('is read from wrk, and refused when requests failed', () => {
    expect(parseWrk(WRK.join('\n'))).toEqual({ requestsPerSecond: 99_999.5, p99Ms: 1.5 });
    const failed = [...WRK, '  Non-2xx or 3xx responses: 4'].join('\n');
    expect(() => parseWrk(failed)).toThrow('requests failed');
    expect(() => parseWrk('')).toThrow('cannot read');
  });

  it('is read from redis-benchmark by column name', () => {
    const output = '"test","rps","p99_latency_ms"\n"GET","120000.00","0.303"\n';
    expect(parseRedisBenchmark(output)).toEqual({ requestsPerSecond: 120_000, p99Ms: 0.303 });
  });
});
