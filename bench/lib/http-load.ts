import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import autocannon from 'autocannon';
import { findProgram } from './process.js';

/** A load to put on a server. */
export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
}

/** What a server did under a load. */
export interface LoadSample {
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
}

const runProgram = promisify(execFile);
const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 };

function requireMatch(output: string, pattern: RegExp, tool: string): RegExpExecArray {
  const match = pattern.exec(output);
  if (match === null) {
    throw new Error(`cannot read the output of ${tool}: ${output}`);
  }
  return match;
}

/** Reads what wrk prints with `--latency`. Throws when a request failed. */
export function parseWrk(output: string): LoadSample {
  if (/Non-2xx|Socket errors/.test(output)) {
    throw new Error(`requests failed: ${output}`);
  }
  const [, rate] = requireMatch(output, /Requests\/sec:\s+([\d.]+)/, 'wrk');
  const [, p99, unit = ''] = requireMatch(output, /\s99%\s+([\d.]+)(us|ms|s)/, 'wrk');
  return { requestsPerSecond: Number(rate), p99Ms: Number(p99) * (UNIT_MS[unit] ?? Number.NaN) };
}

async function loadByWrk(load: Load): Promise<LoadSample> {
  const { stdout } = await runProgram('wrk', [
    '--threads',
    '1',
    '--connections',
    String(load.connections),
    '--duration',
    `${load.seconds}s`,
    '--latency',
    load.url,
  ]);
  return parseWrk(stdout);
}

async function loadByAutocannon({ url, connections, seconds }: Load): Promise<LoadSample> {
  const outcome = await autocannon({ url, connections, duration: seconds });
  if (outcome.non2xx > 0 || outcome.errors > 0) {
    throw new Error(`${outcome.non2xx} answers were not 2xx, ${outcome.errors} requests failed`);
  }
  return { requestsPerSecond: outcome.requests.average, p99Ms: outcome.latency.p99 };
}

/** The load tool of this machine: wrk where it is on the PATH, because it costs the least. */
export function loadToolName(): 'wrk' | 'autocannon' {
  return findProgram('wrk') === undefined ? 'autocannon' : 'wrk';
}

/** Sends GETs over kept connections, each the next as soon as it has its answer. */
export function loadFully(load: Load): Promise<LoadSample> {
  return loadToolName() === 'wrk' ? loadByWrk(load) : loadByAutocannon(load);
}

/** Reads the CSV line of GET that redis-benchmark prints. */
export function parseRedisBenchmark(output: string): LoadSample {
  const header = requireMatch(output, /^"test",(.*)$/m, 'redis-benchmark')[1] ?? '';
  const row = requireMatch(output, /^"GET",(.*)$/m, 'redis-benchmark')[1] ?? '';
  const names = header.split(',').map((name) => name.replaceAll('"', ''));
  const values = row.split(',').map((value) => Number(value.replaceAll('"', '')));
  const columnOf = (name: string): number => values[names.indexOf(name)] ?? Number.NaN;
  return { requestsPerSecond: columnOf('rps'), p99Ms: columnOf('p99_latency_ms') };
}

/** Sends GETs of one key to a Redis server by its own tool, without pipelining. */
export async function loadRedis(
  port: number,
  connections: number,
  requestCount: number,
): Promise<LoadSample> {
  const { stdout } = await runProgram('redis-benchmark', [
    '-h',
    '127.0.0.1',
    '-p',
    String(port),
    '-t',
    'get',
    '-c',
    String(connections),
    '-n',
    String(requestCount),
    '-P',
    '1',
    '--csv',
  ]);
  return parseRedisBenchmark(stdout);
}
