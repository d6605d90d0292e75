import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectTo, freePort, startService } from './process.js';

/** A Redis server of this benchmark's own: empty folder, nothing saved. */
export interface RedisServer {
  readonly port: number;
  /** Hits since the start. */
  hitCount(): Promise<number>;
  stop(): Promise<void>;
}

/** The key that redis-benchmark reads when it is not told to draw keys. */
const BENCHMARK_KEY = 'key:__rand_int__';

function ask(socket: Socket, command: string, end: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const onData = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      if (end.test(answer)) {
        socket.off('data', onData);
        socket.off('error', reject);
        resolve(answer);
      }
    };
    socket.on('data', onData);
    socket.once('error', reject);
    socket.write(command);
  });
}

async function readHitCount(socket: Socket): Promise<number> {
  const answer = await ask(socket, 'INFO stats\r\n', /keyspace_misses:\d+\r\n/);
  return Number(/keyspace_hits:(\d+)/.exec(answer)?.[1]);
}

/** Starts a server that holds `value` under the key that redis-benchmark reads, and others. */
export async function startRedis(
  value: string,
  others: ReadonlyMap<string, string> = new Map(),
): Promise<RedisServer> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'hotshard-bench-'));
  const words = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder];
  const service = await startService({
    command: 'redis-server',
    args: [...words, '--save', '', '--appendonly', 'no'],
    ready: /Ready to accept connections/,
  });
  const socket = await connectTo(port);
  for (const [key, text] of [[BENCHMARK_KEY, value], ...others]) {
    await ask(socket, `SET ${key} ${text}\r\n`, /^\+OK\r\n/);
  }
  return {
    port,
    hitCount: () => readHitCount(socket),
    async stop() {
      socket.destroy();
      await service.stop();
      await rm(folder, { recursive: true });
    },
  };
}
