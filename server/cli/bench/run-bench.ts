/** `hotshard bench`: loads a running service for a few seconds. */
import { randomBytes } from 'node:crypto';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { CommandError } from '../command-error.js';
import { ProgressBar } from '../progress-bar.js';
import { formatCount, formatMs } from '../quantities.js';
import { isSuccess, refusalOf, ServiceConnection } from '../service-connection.js';
import type { ServiceOptions } from '../service-options.js';
import { LoadConnection, type NextRequest } from './load-connection.js';

const NS_PER_MS = 1e6;
/** Ends what the check has stored, if it cannot do so itself. */
const TTL_SECONDS = 300;
const LABEL = 'a quick check: client and service share this machine or network, so compare nothing';

export interface BenchOptions extends ServiceOptions {
  readonly seconds: string;
  readonly connections: string;
  readonly pipeline: string;
  readonly valueBytes: string;
  readonly keys: string;
  readonly puts: string;
}

interface BenchPlan {
  readonly seconds: number;
  readonly connections: number;
  readonly pipeline: number;
  readonly valueBytes: number;
  readonly keys: number;
  readonly putShare: number;
}

/** What came back. */
class Tally {
  readonly get: RecordableHistogram = createHistogram();
  readonly put: RecordableHistogram = createHistogram();
  failures = 0;

  record(isPut: boolean, durationMs: number, status: number): void {
    if (status < 200 || status >= 300) this.failures += 1;
    else (isPut ? this.put : this.get).record(Math.max(1, Math.round(durationMs * NS_PER_MS)));
  }
}

/** `hotshard bench`: prints rates and percentiles; 1 when any request failed. */
export async function runBench(options: BenchOptions): Promise<number> {
  const plan = readPlan(options);
  const connection = new ServiceConnection(options.url);
  const place = placeOf(options.url);
  const prefix = `hotshard-bench:${randomBytes(6).toString('hex')}:`;
  const requests = new BenchRequests(place, prefix, plan);
  const connections = await Promise.all(
    Array.from({ length: plan.connections }, () => LoadConnection.open(place.host, place.port)),
  );
  try {
    await fill(connections, requests, plan);
    const { tally, seconds } = await load(connections, requests, plan);
    print(options, plan, tally, seconds);
    return tally.failures > 0 ? 1 : 0;
  } finally {
    for (const open of connections) open.close();
    await cleanUp(connection, prefix);
  }
}

function readPlan(options: BenchOptions): BenchPlan {
  const read = (name: string, text: string, min: number, max: number): number => {
    const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new CommandError(`--${name}: must be a whole number from ${min} to ${max}`, 2);
  };
  return {
    seconds: read('seconds', options.seconds, 1, 600),
    connections: read('connections', options.connections, 1, 1_000),
    pipeline: read('pipeline', options.pipeline, 1, 1_000),
    valueBytes: read('value-bytes', options.valueBytes, 0, 1_024 ** 2),
    keys: read('keys', options.keys, 1, 1_000_000),
    putShare: read('puts', options.puts, 0, 100) / 100,
  };
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly authority: string;
  readonly folder: string;
}

function placeOf(text: string): Place {
  const url = new URL(text);
  if (url.protocol !== 'http:') throw new CommandError('--url: only http: can be loaded', 2);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 80 : Number(url.port),
    authority: url.host,
    folder: url.pathname.replace(/\/+$/, ''),
  };
}

/** The requests of a run, written once each. */
class BenchRequests {
  private readonly gets: readonly Buffer[];
  private readonly puts: readonly Buffer[];

  constructor({ authority, folder }: Place, prefix: string, { keys, valueBytes }: BenchPlan) {
    const value = Buffer.alloc(valueBytes, 'v');
    const paths = Array.from({ length: keys }, (_, index) => {
      return `${folder}/cache/${encodeURIComponent(`${prefix}${index}`)}`;
    });
    const host = `HTTP/1.1\r\nHost: ${authority}\r\n`;
    const about = `Content-Type: text/plain\r\nX-Cache-TTL: ${TTL_SECONDS}\r\n`;
    this.gets = paths.map((path) => Buffer.from(`GET ${path} ${host}\r\n`));
    this.puts = paths.map((path) => {
      const head = `PUT ${path} ${host}${about}Content-Length: ${valueBytes}\r\n\r\n`;
      return Buffer.concat([Buffer.from(head), value]);
    });
  }

  bytesOf(isPut: boolean, key: number): Buffer {
    return (isPut ? this.puts : this.gets)[key] ?? Buffer.alloc(0);
  }
}

/** Stores every key once, so that reads find something. */
async function fill(
  connections: readonly LoadConnection[],
  requests: BenchRequests,
  { keys }: BenchPlan,
): Promise<void> {
  const progress = new ProgressBar(process.stderr, 'storing');
  let next = 0;
  let refused = 0;
  const send = (): ReturnType<NextRequest> => {
    if (next >= keys) return undefined;
    progress.update(next / keys, '');
    return { id: next, isWaitedFor: true, bytes: requests.bytesOf(true, next++) };
  };
  try {
    await Promise.all(
      connections.map((connection) =>
        connection.run(1, send, (_key, _durationMs, status) => {
          if (status < 200 || status >= 300) refused = status;
        }),
      ),
    );
  } finally {
    progress.end();
  }
  if (refused !== 0) throw new CommandError(`the service answered a PUT with HTTP ${refused}`);
}

async function load(
  connections: readonly LoadConnection[],
  requests: BenchRequests,
  plan: BenchPlan,
): Promise<{ readonly tally: Tally; readonly seconds: number }> {
  const tally = new Tally();
  const progress = new ProgressBar(process.stderr, 'loading');
  const startMs = performance.now();
  const endMs = startMs + plan.seconds * 1_000;
  const next = (): ReturnType<NextRequest> => {
    const nowMs = performance.now();
    if (nowMs >= endMs) return undefined;
    progress.update((nowMs - startMs) / (endMs - startMs), '');
    const isPut = Math.random() < plan.putShare;
    const key = Math.floor(Math.random() * plan.keys);
    return { id: isPut ? 1 : 0, isWaitedFor: isPut, bytes: requests.bytesOf(isPut, key) };
  };
  try {
    await Promise.all(
      connections.map((connection) =>
        connection.run(plan.pipeline, next, (id, durationMs, status) => {
          tally.record(id === 1, durationMs, status);
        }),
      ),
    );
  } finally {
    progress.end();
  }
  return { tally, seconds: (performance.now() - startMs) / 1_000 };
}

/** What cannot be removed ends by itself. */
async function cleanUp(connection: ServiceConnection, prefix: string): Promise<void> {
  const target = `/cache?prefix=${encodeURIComponent(prefix)}`;
  const answer = await connection.ask({ method: 'DELETE', target });
  if (isSuccess(answer)) return;
  const { message } = refusalOf(answer);
  process.stderr.write(`hotshard: keys of the check stay ${TTL_SECONDS} s: ${message}\n`);
}

function summaryOf(histogram: RecordableHistogram, seconds: number): Record<string, number> {
  const ms = (percentile: number): number => histogram.percentile(percentile) / NS_PER_MS;
  return {
    requests: histogram.count,
    perSecond: Math.round(histogram.count / seconds),
    p50Ms: ms(50),
    p90Ms: ms(90),
    p99Ms: ms(99),
    maxMs: histogram.max / NS_PER_MS,
  };
}

function print(options: BenchOptions, plan: BenchPlan, tally: Tally, seconds: number): void {
  const operations = Object.entries({ get: tally.get, put: tally.put })
    .filter(([, histogram]) => histogram.count > 0)
    .map(([name, histogram]) => [name, summaryOf(histogram, seconds)] as const);
  if (options.json === true) {
    const { failures } = tally;
    const document = { kind: 'quick-check', ...plan, failures };
    const results = { operations: Object.fromEntries(operations) };
    process.stdout.write(`${JSON.stringify({ ...document, ...results })}\n`);
    return;
  }
  const lines = operations.map(([name, summary]) => {
    const times = ['p50Ms', 'p90Ms', 'p99Ms', 'maxMs'].map((key) => {
      return `${key.replace('Ms', '')} ${formatMs(summary[key] ?? 0)}`;
    });
    const rate = `${formatCount(summary['perSecond'] ?? 0)}/s`;
    return `${name.toUpperCase().padEnd(5)}${rate.padStart(12)}   ${times.join('   ')}`;
  });
  const failed = tally.failures === 0 ? [] : [`failed ${formatCount(tally.failures)}`];
  const setting =
    `${plan.connections} connections, ${plan.pipeline} requests at once on each, ` +
    `${formatCount(plan.keys)} keys, ${formatCount(plan.valueBytes)} bytes, ${plan.seconds} s`;
  process.stdout.write(`${[LABEL, setting, ...lines, ...failed].join('\n')}\n`);
}
