import {
  answerBytes,
  type HttpService,
  putValue,
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
import { median } from '../lib/statistics.js';
import {
  atLeast,
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

const SECONDS: Parameter<number> = { real: 2, smoke: 1 };
const HALF_RATE_SECONDS: Parameter<number> = { real: 2, smoke: 0.5 };
const REDIS_REQUESTS: Parameter<number> = { real: 200_000, smoke: 5000 };
const ROUNDS: Parameter<number> = { real: 7, smoke: 1 };
const CONNECTIONS = 32;
const PATH = '/cache/bench';

const RATE = 'get.hit';
const LATENCY = 'get.hit.p99';
const HALF_RATE_LATENCY = 'get.hit.p99.halfRate';
const OURS = 'hotshard';
const CONSTANT = 'constant answer';
const REDIS = 'redis-server';
/** An absolute limit, written as a peer that always takes this long. */
const LIMIT = { name: 'limit of 1 ms', ms: 1 };

interface Servers {
  readonly ours: HttpService;
  readonly constant: HttpService;
  readonly redis: RedisServer | undefined;
}

/** Starts all servers; the twin answers byte for byte as much as the cache server. */
async function startServers(value: Buffer, started: (() => Promise<unknown>)[]): Promise<Servers> {
  const ours = await startCacheServer();
  started.push(() => ours.stop());
  await putValue(ours.url + PATH, value);
  const hit = await send('GET', ours.url + PATH);
  if (hit.status !== 200 || !hit.body.equals(value)) {
    throw new Error(`GET answered ${hit.status} and ${hit.body.length} bytes`);
  }
  const constant = await startConstantServer(hit);
  started.push(() => constant.stop());
  const twin = await send('GET', constant.url + PATH);
  if (answerBytes(twin) !== answerBytes(hit)) {
    throw new Error(`a hit has ${answerBytes(hit)} bytes, the constant ${answerBytes(twin)}`);
  }
  if (findProgram('redis-server') === undefined || findProgram('redis-benchmark') === undefined) {
    return { ours, constant, redis: undefined };
  }
  const redis = await startRedis(value.toString('latin1'));
  started.push(() => redis.stop());
  return { ours, constant, redis };
}

async function loadRedisChecked(redis: RedisServer, requestCount: number): Promise<LoadSample> {
  const hitsBefore = await redis.hitCount();
  const sample = await loadRedis(redis.port, CONNECTIONS, requestCount);
  const hits = (await redis.hitCount()) - hitsBefore;
  if (hits < requestCount) {
    throw new Error(`redis-server answered ${hits} hits of ${requestCount}`);
  }
  return sample;
}

type Samples = Map<string, LoadSample[]>;

function measureRates(context: BenchContext, servers: Servers): Promise<Samples> {
  const { ours, constant, redis } = servers;
  const load = (service: HttpService): Promise<LoadSample> =>
    loadFully({
      url: service.url + PATH,
      connections: CONNECTIONS,
      seconds: pick(context, SECONDS),
    });
  const contenders = [
    { name: OURS, load: () => load(ours) },
    { name: CONSTANT, load: () => load(constant) },
  ];
  if (redis !== undefined) {
    const requestCount = pick(context, REDIS_REQUESTS);
    contenders.push({ name: REDIS, load: () => loadRedisChecked(redis, requestCount) });
  }
  const rounds = roundsOf(context, ROUNDS);
  const random = createRandom(seedFor(context.seed, 'http'));
  return interleave(contenders, rounds, random, async (contender, round) => {
    const sample = await contender.load();
    context.log(
      `${RATE} round ${round + 1}: ${contender.name}: ` +
        `${Math.round(sample.requestsPerSecond)} req/s, p99 ${sample.p99Ms} ms`,
    );
    return sample;
  });
}

async function measureHalfRate(
  context: BenchContext,
  { ours }: Servers,
  peakPerSecond: number,
): Promise<number[]> {
  const load = {
    url: ours.url + PATH,
    connections: CONNECTIONS,
    requestsPerSecond: Math.round(peakPerSecond / 2),
    seconds: pick(context, HALF_RATE_SECONDS),
  };
  const samples: number[] = [];
  for (let round = 0; round < roundsOf(context, ROUNDS); round++) {
    const { requestsPerSecond, p50Ms, p99Ms } = await loadOpenly(load);
    context.log(
      `${HALF_RATE_LATENCY} round ${round + 1}: p50 ${p50Ms} ms, p99 ${p99Ms} ms at ` +
        `${Math.round(requestsPerSecond)} of ${Math.round(peakPerSecond)} req/s`,
    );
    samples.push(p99Ms);
  }
  return samples;
}

function resultsOf(samples: Samples): Result[] {
  const rates = (name: string) =>
    samplesOf(samples, name).map(({ requestsPerSecond }) => requestsPerSecond);
  const latencies = (name: string) => samplesOf(samples, name).map(({ p99Ms }) => p99Ms);
  const rate = { name: RATE, unit: 'req/s' };
  const constantGoals = { goal: atLeast(0.85), aim: atLeast(0.92) };
  const redisGoals = { goal: atLeast(1.2), aim: atLeast(1.2) };
  return [
    compare({ ...rate, peer: CONSTANT, ...constantGoals }, rates(OURS), rates(CONSTANT)),
    ...(samples.has(REDIS)
      ? [compare({ ...rate, peer: REDIS, ...redisGoals }, rates(OURS), rates(REDIS))]
      : []),
    compare({ name: LATENCY, unit: 'ms', peer: CONSTANT }, latencies(OURS), latencies(CONSTANT)),
  ];
}

async function measure(context: BenchContext, servers: Servers): Promise<SuiteOutcome> {
  const skipped: Skip[] = [];
  if (servers.redis === undefined) {
    skipped.push({ name: RATE, peer: REDIS, reason: 'not on the PATH' });
  }
  const samples = await measureRates(context, servers);
  const results = resultsOf(samples);
  const peak = median(samplesOf(samples, OURS).map((sample) => sample.requestsPerSecond));
  const latencies = await measureHalfRate(context, servers, peak);
  const limits = latencies.map(() => LIMIT.ms);
  const comparison = { name: HALF_RATE_LATENCY, unit: 'ms', peer: LIMIT.name, aim: atMost(1) };
  results.push(compare(comparison, latencies, limits));
  return { results, skipped, hash: 0 };
}

async function transportLoads(): Promise<boolean> {
  try {
    await import('uWebSockets.js');
    return true;
  } catch {
    // It has no binary for this version of Node or this system.
    return false;
  }
}

async function run(context: BenchContext): Promise<SuiteOutcome> {
  if (!(await transportLoads())) {
    const reason = 'uWebSockets.js does not load here';
    return { results: [], skipped: [{ name: RATE, peer: CONSTANT, reason }], hash: 0 };
  }
  const value = createWorkload(0, seedFor(context.seed, 'http')).values[0] as Buffer;
  const started: (() => Promise<unknown>)[] = [];
  try {
    context.log(`${RATE}: load by ${loadToolName()}, ${CONNECTIONS} connections`);
    const servers = await startServers(value, started);
    const outcome = await measure(context, servers);
    return { ...outcome, hash: value.reduce(fold, 0) };
  } finally {
    for (const stop of started.reverse()) {
      await stop();
    }
  }
}

/** What a hit costs over HTTP. */
export const httpSuite: Suite = {
  name: 'http',
  summary: 'GET hits over HTTP, against the same server answering a constant and redis-server',
  resultNames: [RATE, LATENCY, HALF_RATE_LATENCY],
  run,
};
