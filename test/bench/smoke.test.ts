import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../bench/lib/report.js';

const MAIN = fileURLToPath(new URL('../../dist/bench/main.js', import.meta.url));

/** The names that documents and scripts rely on. */
const RESULT_NAMES: Readonly<Record<string, readonly string[]>> = {
  engine: [
    'get.view.hot',
    'get.bytes.hot',
    'get.value.hot',
    'set.pipelined',
    'set.pipelined.new',
    'set.awaited',
    'set.inplace',
    'set.inplace.new',
    'set.inplace.awaited',
  ],
  threads: ['get.scaling'],
  pauses: ['delay.churn.p999', 'delay.churn.max'],
  memory: ['rss.perEntry'],
  restart: ['restart.write', 'restart.load'],
  http: [
    ...['get.hit', 'get.hit.p99', 'get.hit.p99.halfRate', 'get.hit.node', 'get.hit.node.p99'],
    ...['get.hit.1KiB', 'get.hit.1KiB.p99', 'get.hit.64KiB', 'get.hit.64KiB.p99'],
    ...['get.hit.4KiB.lz4', 'get.hit.4KiB.lz4.p99', 'put', 'put.p99'],
    ...['batch.get.100', 'batch.get.100.p99', 'ws.get', 'ws.get.p99'],
  ],
  'hit-ratio': [
    'lru.difference',
    'lfu.mean',
    'lfu.loss.long',
    'lfu.loss.short',
    's3fifo.difference',
  ],
};

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

function runBench(...words: string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString('utf8');
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output, errors }));
  });
}

function expectForm(report: Report): void {
  expect(report.node).toBe(process.version);
  expect(report.cpu).not.toBe('');
  expect(report.commit).not.toBe('');
  expect(report.smoke).toBe(true);
  expect(report.hash).toMatch(/^[0-9a-f]{8}$/);
  for (const result of report.results) {
    expect(result.unit, result.name).not.toBe('');
    expect(result.peer, result.name).not.toBe('');
    expect(result.rounds, result.name).toBeGreaterThanOrEqual(1);
    for (const figure of [result.value, result.peerValue, result.ratio]) {
      expect(Number.isFinite(figure), `${result.name} has ${figure}`).toBe(true);
    }
    expect(result.spread.min, result.name).toBeLessThanOrEqual(result.ratio);
    expect(result.spread.max, result.name).toBeGreaterThanOrEqual(result.ratio);
  }
}

describe('the benchmarks in smoke mode', () => {
  let folder = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hotshard-bench-test-'));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  for (const [suite, names] of Object.entries(RESULT_NAMES)) {
    it(`runs ${suite} and writes its results as JSON`, async () => {
      const file = join(folder, `${suite}.json`);
      const ended = await runBench(suite, '--smoke', '--json', file);
      expect(ended.code, ended.errors).toBe(0);
      const report = JSON.parse(await readFile(file, 'utf8')) as Report;
      expect(report.suite).toBe(suite);
      expectForm(report);
      const measured = new Set(report.results.map(({ name }) => name));
      const isSkipped = report.skipped.some(({ name }) => !measured.has(name));
      // A whole suite is left out only where its server cannot run on this version of Node.
      expect(isSkipped ? names : [...measured]).toEqual([...names]);
      expect(ended.output).toContain(`suite ${suite}`);
    });
  }

  it('writes the page and the plot of hit ratios where it is told to', async () => {
    const pages = join(folder, 'pages');
    const ended = await runBench('hit-ratio', '--smoke', '--out', pages);
    expect(ended.code, ended.errors).toBe(0);
    expect(await readFile(join(pages, 'HIT-RATIOS.md'), 'utf8')).toContain('workload:scan');
    expect(await readFile(join(pages, 'hit-ratios.svg'), 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s);
  });

  it('lists every suite with its result names', async () => {
    const { output, code } = await runBench('--list');
    expect(code).toBe(0);
    for (const [suite, names] of Object.entries(RESULT_NAMES)) {
      expect(output).toContain(suite);
      expect(output).toContain(names.join(' '));
    }
  });

  it('refuses an unknown suite and says which there are', async () => {
    const { errors, code } = await runBench('speed');
    expect(code).toBe(2);
    expect(errors).toContain('engine, threads, pauses, memory, http, restart, hit-ratio, all');
  });
});
