import {
  answerBytes,
  type HttpService,
  send,
  startCacheServer,
  startConstantServer,
} from '../lib/cache-server.js';
import { type LoadSample, loadFully, loadRedis, loadToolName } from '../lib/http-load.js';
import { loadOpenly } from '../lib/open-loop.js';
import { findProgram } from '../lib/process.js';
import { createRandom, seedFor } from '../lib/random.js';
import { type RedisServer, startRedis } from '../lib/redis.js';
import { interleave, samplesOf } from '../lib/rounds.js';
import { loadSockets } from '../lib/socket-load.js';
import { median } from '../lib/statistics.js';
import {
  atMost,
  type BenchContext,
  compare,
  type Parameter,
  pick,
  type Result,
  roundsOf,
  type Skip,
  type Suite,
  type SuiteOutcome,
} from '../lib/suite.js';
import { createWorkload, fold } from '../lib/workload.js';
import { createHttpRows, type HttpRow } from './http-rows.js';

const SECONDS: Parameter<number> = { real: 2, smoke: 1 };
const HALF_RATE_SECONDS: Parameter<number> = { real: 2, smoke: 0.5 };
const REDIS_REQUESTS: Parameter<number> = { real: 200_000, smoke: 2_000 };
const ROUNDS: Parameter<number> = { real: 7, smoke: 1 };
const CONNECTIONS = 32;

const OURS = 'hotshard';
const CONSTANT = 'constant answer';
const REDIS = 'redis-server';
const HIT = 'get.hit';
const HALF_RATE = `${HIT}.p99.halfRate`;
/** An absolute limit, written as a peer that always takes this long. */
const LIMIT = { name: 'limit of 1 ms', ms: 1 };

interface Servers {
  readonly ours: HttpService;
  readonly constant: HttpService;
  readonly redis: RedisServer | undefined;
}

type Started = (() => Promise<unknown>)[];
type Samples = Map<string, LoadSample[]>;

/** Starts what a row needs; the twin answers byte for byte as much as the cache server. */
async function startServers(row: HttpRow, value: string, started: Started): Promise<Servers> {
  const ours = await startCacheServer(row.transport);
  started.push(() => ours.stop());
  await row.prepare(ours.url);
  const { request, socket } = row;
  // A WebSocket's twin sends one message, of about the size of an answer.
  const answer = await (request === undefined
    ? send('GET', ours.url + (socket === undefined ? row.path : '/health'))
    : send(request.method, ours.url + row.path, request.body, request.headers));
  if (answer.status >= 300) throw new Error(`${row.name}: answered with ${answer.status}`);
  const constant = await startConstantServer(row.transport, answer);
  started.push(() => constant.stop());
  const twin = await send('GET', constant.url + row.path);
  if (answerBytes(twin) !== answerBytes(answer)) {
    throw new Error(`${row.name}: ${answerBytes(answer)} bytes, the twin ${answerBytes(twin)}`);
  }
  if (row.redis === undefined || !hasRedis()) return { ours, constant, redis: undefined };
  const redis = await startRedis(value, row.redis.entries);
  started.push(() => redis.stop());
  return { ours, constant, redis };
}

function hasRedis(): boolean {
  const programs = ['redis-server', 'redis-benchmark'];
  return programs.every((name) => findProgram(name) !== undefined);
}

async function loadRedisChecked(row: HttpRow, redis: RedisServer, requestCount: number) {
  const { words = [], countsHits = false } = row.redis ?? {};
  const hitsBefore = await redis.hitCount();
  const { port } = redis;
  const sample = await loadRedis({ port, connections: CONNECTIONS, requestCount, words });
  const hits = (await redis.hitCount()) - hitsBefore;
  if (countsHits && hits < requestCount) {
    throw new Error(`redis-server answered ${hits} hits of ${requestCount} requests`);
  }
  return sample;
}

function loadService(row: HttpRow, service: HttpService, seconds: number): Promise<LoadSample> {
  const { socket, request } = row;
  const load = { connections: CONNECTIONS, seconds };
  if (socket !== undefined) {
    const url = service.url.replace('http:', 'ws:') + row.path;
    return loadSockets({ ...load, ...socket, url });
  }
  const url = service.url + row.path;
  return loadFully({ ...load, url, ...(request !== undefined && { request }) });
}

function measureRates(context: BenchContext, row: HttpRow, servers: Servers): Promise<Samples> {
  const { ours, constant, redis } = servers;
  const seconds = pick(context, SECONDS);
  const contenders = [
    { name: OURS, load: () => loadService(row, ours, seconds) },
    { name: CONSTANT, load: () => loadService(row, constant, seconds) },
  ];
  if (redis !== undefined) {
    const requestCount = pick(context, REDIS_REQUESTS);
    contenders.push({ name: REDIS, load: () => loadRedisChecked(row, redis, requestCount) });
  }
  const random = createRandom(seedFor(context.seed, row.name));
  return interleave(contenders, roundsOf(context, ROUNDS), random, async (contender, round) => {
    const sample = await contender.load();
    context.log(
      `${row.name} round ${round + 1}: ${contender.name}: ` +
        `${Math.round(sample.requestsPerSecond)} req/s, p99 ${sample.p99Ms} ms`,
    );
    return sample;
  });
}

/** Latencies at half of the rate that we reached, of ours and of the twin in turn. */
async function measureHalfRate(
  context: BenchContext,
  row: HttpRow,
  { ours, constant }: Servers,
  peakPerSecond: number,
): Promise<Result[]> {
  const load = {
    connections: CONNECTIONS,
    requestsPerSecond: Math.round(peakPerSecond / 2),
    seconds: pick(context, HALF_RATE_SECONDS),
  };
  const contenders = [
    { name: OURS, service: ours },
    { name: CONSTANT, service: constant },
  ];
  const random = createRandom(seedFor(context.seed, HALF_RATE));
  const rounds = roundsOf(context, ROUNDS);
  const samples = await interleave(contenders, rounds, random, async (contender, round) => {
    const sample = await loadOpenly({ ...load, url: contender.service.url + row.path });
    context.log(
      `${HALF_RATE} round ${round + 1}: ${contender.name}: p50 ${sample.p50Ms} ms, ` +
        `p99 ${sample.p99Ms} ms at ${Math.round(sample.requestsPerSecond)} req/s`,
    );
    return sample.p99Ms;
  });
  const latencies = samplesOf(samples, OURS);
  const limits = latencies.map(() => LIMIT.ms);
  const figure = { name: HALF_RATE, unit: 'ms' };
  return [
    compare({ ...figure, peer: LIMIT.name, goal: atMost(1) }, latencies, limits),
    compare({ ...figure, peer: CONSTANT }, latencies, samplesOf(samples, CONSTANT)),
  ];
}

function resultsOf(row: HttpRow, samples: Samples): Result[] {
  const rates = (name: string) =>
    samplesOf(samples, name).map(({ requestsPerSecond }) => requestsPerSecond);
  const latencies = (name: string) => samplesOf(samples, name).map(({ p99Ms }) => p99Ms);
  const rate = { name: row.name, unit: 'req/s' };
  const latency = { name: `${row.name}.p99`, unit: 'ms', peer: CONSTANT };
  const results = [
    compare({ ...rate, peer: CONSTANT, ...goalOf(row.constantGoal) }, rates(OURS), rates(CONSTANT)),
    compare(latency, latencies(OURS), latencies(CONSTANT)),
  ];
  if (samples.has(REDIS)) {
    const comparison = { ...rate, peer: REDIS, ...goalOf(row.redis?.goal) };
    results.push(compare(comparison, rates(OURS), rates(REDIS)));
  }
  return results;
}

function goalOf(goal: HttpRow['constantGoal']): { goal?: NonNullable<typeof goal> } {
  return goal === undefined ? {} : { goal };
}

async function runRow(context: BenchContext, row: HttpRow, value: string): Promise<Result[]> {
  const started: Started = [];
  try {
    const servers = await startServers(row, value, started);
    const samples = await measureRates(context, row, servers);
    const results = resultsOf(row, samples);
    if (row.name === HIT) {
      const peak = median(samplesOf(samples, OURS).map((sample) => sample.requestsPerSecond));
      results.push(...(await measureHalfRate(context, row, servers, peak)));
    }
    return results;
  } finally {
    for (const stop of started.reverse()) await stop();
  }
}

async function uwsLoads(): Promise<boolean> {
  try {
    await import('uWebSockets.js');
    return true;
  } catch {
    // It has no binary for this version of Node or this system.
    return false;
  }
}

async function run(context: BenchContext): Promise<SuiteOutcome> {
  const value = createWorkload(0, seedFor(context.seed, 'http')).values[0] as Buffer;
  const results: Result[] = [];
  const skipped: Skip[] = [];
  const hasUws = await uwsLoads();
  context.log(`http: load by ${loadToolName()}, ${CONNECTIONS} connections`);
  for (const row of createHttpRows(seedFor(context.seed, 'http'))) {
    if (row.transport === 'uws' && !hasUws) {
      const reason = 'uWebSockets.js does not load here';
      skipped.push({ name: row.name, peer: CONSTANT, reason });
      continue;
    }
    if (row.redis !== undefined && !hasRedis()) {
      skipped.push({ name: row.name, peer: REDIS, reason: 'not on the PATH' });
    }
    results.push(...(await runRow(context, row, value.toString('latin1'))));
  }
  return { results, skipped, hash: value.reduce(fold, 0) };
}

const ROW_NAMES = createHttpRows(0).map(({ name }) => name);

/** What a hit costs over HTTP, and what else the service does costs. */
export const httpSuite: Suite = {
  name: 'http',
  summary: 'requests to the service, against the same server answering a constant and redis-server',
  resultNames: ROW_NAMES.flatMap((name) => {
    return [name, `${name}.p99`, ...(name === HIT ? [HALF_RATE] : [])];
  }),
  run,
};
