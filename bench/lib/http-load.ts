import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import autocannon from 'autocannon';
import { findProgram } from './process.js';

/** What is sent instead of a GET. */
export interface LoadRequest {
  readonly method: 'PUT' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A load to put on a server. */
export interface Load {
  readonly url: string;
  /** A GET without it. */
  readonly request?: LoadRequest;
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

/** A program for wrk, in Lua, that sends the request; the body lies in a file beside it. */
function wrkScript({ method, headers }: LoadRequest, bodyFile: string): string {
  const lines = Object.entries(headers).map(([name, value]) => {
    return `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`;
  });
  const read = `wrk.body = assert(io.open(${JSON.stringify(bodyFile)}, "rb")):read("*a")`;
  return [`wrk.method = "${method}"`, read, ...lines, ''].join('\n');
}

async function loadByWrk(load: Load): Promise<LoadSample> {
  const { url, connections, seconds, request } = load;
  const words = ['--threads', '1', '--connections', String(connections)];
  words.push('--duration', `${seconds}s`, '--latency');
  if (request === undefined) return parseWrk((await runProgram('wrk', [...words, url])).stdout);
  const folder = await mkdtemp(join(tmpdir(), 'hotshard-bench-'));
  try {
    const [script, body] = [join(folder, 'request.lua'), join(folder, 'body')];
    await writeFile(body, request.body);
    await writeFile(script, wrkScript(request, body));
    return parseWrk((await runProgram('wrk', [...words, '--script', script, url])).stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function loadByAutocannon(load: Load): Promise<LoadSample> {
  const { url, connections, seconds, request } = load;
  const outcome = await autocannon({ url, connections, duration: seconds, ...request });
  if (outcome.non2xx > 0 || outcome.errors > 0) {
    throw new Error(`${outcome.non2xx} answers were not 2xx, ${outcome.errors} requests failed`);
  }
  return { requestsPerSecond: outcome.requests.average, p99Ms: outcome.latency.p99 };
}

/** The load tool of this machine: wrk where it is on the PATH, because it costs the least. */
export function loadToolName(): 'wrk' | 'autocannon' {
  return findProgram('wrk') === undefined ? 'autocannon' : 'wrk';
}

/** Sends one request over kept connections, on each the next as soon as it has its answer. */
export function loadFully(load: Load): Promise<LoadSample> {
  return loadToolName() === 'wrk' ? loadByWrk(load) : loadByAutocannon(load);
}

/** Reads the one CSV line that redis-benchmark prints. */
export function parseRedisBenchmark(output: string): LoadSample {
  const header = requireMatch(output, /^"test",(.*)$/m, 'redis-benchmark')[1] ?? '';
  const row = requireMatch(output, /^"(?!test")[^"]*",(.*)$/m, 'redis-benchmark')[1] ?? '';
  const names = header.split(',').map((name) => name.replaceAll('"', ''));
  const values = row.split(',').map((value) => Number(value.replaceAll('"', '')));
  const columnOf = (name: string): number => values[names.indexOf(name)] ?? Number.NaN;
  return { requestsPerSecond: columnOf('rps'), p99Ms: columnOf('p99_latency_ms') };
}

/** A load on a Redis server by its own tool, without pipelining. */
export interface RedisLoad {
  readonly port: number;
  readonly connections: number;
  readonly requestCount: number;
  /** Words of redis-benchmark, such as `-t get`, or a command of Redis. */
  readonly words: readonly string[];
}

export async function loadRedis(load: RedisLoad): Promise<LoadSample> {
  const { port, connections, requestCount, words } = load;
  const target = ['-h', '127.0.0.1', '-p', String(port), '-c', String(connections)];
  const count = ['-n', String(requestCount), '-P', '1', '--csv'];
  const { stdout } = await runProgram('redis-benchmark', [...target, ...count, ...words]);
  return parseRedisBenchmark(stdout);
}
