// Requests that were made wrong, against the real server in a process of its own, over each
// transport: it must not end, hang or grow.

import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Service, startService } from '../../lib/process.js';
import { createRandom, seedFor } from '../../lib/random.js';
import { mutate } from '../lib/http-mutations.js';
import { settles } from '../lib/waiting.js';
import type { StressOptions, StressProgram } from './program.js';

const SERVER_SCRIPT = fileURLToPath(new URL('../../../server/main.js', import.meta.url));
const READY = /listening on http:\/\/[\w.]+:(\d+)/;
const TRANSPORTS = ['uws', 'node'] as const;
const CONNECTIONS = 48;
/** A request that waits for more of itself is given up after so long. */
const SILENCE_MS = 25;
const PROBE_EVERY = 1_000;
/** Loopback addresses to send from: each has ports of its own. */
const ADDRESSES = 200;
/** The memory of entries is filled, and code compiled, before growth is measured from there. */
const WARM_UP_SHARE = 0.2;
const GROWTH_BYTES_MAX = 50 * 1_024 ** 2;
const STATUS_LINE = /^HTTP\/1\.1 (\d{3}) /;
const PROBLEMS_MAX = 20;

interface Run {
  readonly port: number;
  readonly service: Service;
  readonly problems: string[];
  readonly statuses: Map<string, number>;
}

/** What came first on the connection: a status, its end, or nothing for a while. */
function send(port: number, bytes: Buffer, index: number): Promise<string> {
  return new Promise((resolve) => {
    const localAddress = `127.0.1.${1 + (index % ADDRESSES)}`;
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    let answer = '';
    const end = (outcome: string): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      // A reset leaves no connection waiting in the system's tables.
      socket.resetAndDestroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => end('silence'), SILENCE_MS);
    socket.once('connect', () => socket.write(bytes));
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1', 0, 64);
      const status = STATUS_LINE.exec(answer)?.[1];
      if (status !== undefined) end(status);
      else if (answer.length > 64) end('no HTTP');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'error'));
    socket.once('close', () => end('closed'));
  });
}

/** A good request, stored and read again, must still be answered. */
async function probe(url: string, value: string, problems: string[]): Promise<void> {
  try {
    const target = `${url}/cache/probe-${value}`;
    const put = await settles('PUT', fetch(target, { method: 'PUT', body: value }));
    if (put.status !== 201) problems.push(`a good PUT was answered with ${put.status}`);
    const got = await settles('GET', fetch(target));
    const text = await got.text();
    // A mutated request may have removed everything, which is its right; not changed it.
    if (got.status !== 404 && text !== value)
      problems.push(`a good GET gave ${got.status} ${text}`);
  } catch (error) {
    problems.push(`a good request failed: ${String(error)}`);
  }
}

function residentBytes(pid: number): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return Number(kib) * 1_024;
  } catch {
    // The process has ended, which the requests tell by themselves.
    return 0;
  }
}

async function sendAll(run: Run, count: number, seed: number, log: (line: string) => void) {
  const { port, service, problems, statuses } = run;
  const random = createRandom(seed);
  const url = `http://127.0.0.1:${port}`;
  const underWay = new Set<number>();
  let sent = 0;
  let baseBytes = 0;
  const work = async (): Promise<void> => {
    while (sent < count && problems.length < PROBLEMS_MAX) {
      const index = sent++;
      const requestSeed = random.uint32();
      underWay.add(requestSeed);
      const outcome = await send(port, mutate(requestSeed), index);
      if (outcome === 'ECONNREFUSED') {
        problems.push(
          `the server has ended; under way were requests of ${[...underWay].join(' ')}`,
        );
        return;
      }
      underWay.delete(requestSeed);
      statuses.set(outcome, (statuses.get(outcome) ?? 0) + 1);
      if (outcome === '500' || outcome === 'no HTTP') {
        problems.push(`request of seed ${requestSeed}: ${outcome}`);
      }
      if (index % PROBE_EVERY === 0) await probe(url, String(requestSeed), problems);
      if (index === Math.floor(count * WARM_UP_SHARE)) baseBytes = residentBytes(service.pid);
      if (index % (PROBE_EVERY * 100) === 0) log(`${index} of ${count} requests`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  const grownBytes = residentBytes(service.pid) - baseBytes;
  if (grownBytes > GROWTH_BYTES_MAX) problems.push(`the server grew by ${grownBytes} bytes`);
  return { sent, grownBytes };
}

async function play(transport: string, options: StressOptions): Promise<readonly string[]> {
  const service = await startService({
    command: process.execPath,
    args: [SERVER_SCRIPT, 'serve'],
    env: { SERVER_HTTP_PORT: '0', HTTP_TRANSPORT: transport, CACHE_MAX_MEMORY_MB: '16' },
    ready: READY,
  });
  const run: Run = {
    port: Number(service.readyMatch[1]),
    service,
    problems: [],
    statuses: new Map(),
  };
  const count = options.counts['requests'] ?? 0;
  const { sent, grownBytes } = await sendAll(
    run,
    count,
    seedFor(options.seed, transport),
    options.log,
  );
  const code = await service.stop();
  if (code !== 0) run.problems.push(`the server ended with code ${code}`);
  const counted = [...run.statuses].sort(([a], [b]) => (a < b ? -1 : 1));
  options.print(
    `${transport}: ${sent} requests, ${counted.map(([name, n]) => `${name} ${n}`).join(', ')}; ` +
      `grown by ${(grownBytes / 1_024 ** 2).toFixed(1)} MiB after the first fifth`,
  );
  return run.problems.map((problem) => `${transport}: ${problem}`);
}

/** Mutated requests against the service. */
export const httpProgram: StressProgram = {
  name: 'http',
  summary: 'mutated requests against the real server, over each transport: it serves on',
  counts: { requests: 1_000_000 },
  run: async (options) => {
    const problems: string[] = [];
    for (const transport of TRANSPORTS) problems.push(...(await play(transport, options)));
    return problems;
  },
};
