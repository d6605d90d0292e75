import { once } from 'node:events';
import { createHistogram } from 'node:perf_hooks';
import WebSocket from 'ws';
import type { LoadSample } from './http-load.js';

/** Messages over kept WebSockets, each the next as soon as the answer to the last has come. */
export interface SocketLoad {
  readonly url: string;
  readonly protocol: string | undefined;
  readonly connections: number;
  readonly seconds: number;
  readonly message: string;
}

export async function loadSockets(load: SocketLoad): Promise<LoadSample> {
  const latencies = createHistogram();
  let answerCount = 0;
  let isOver = false;
  const sockets = await Promise.all(
    Array.from({ length: load.connections }, async () => {
      const protocols = load.protocol === undefined ? [] : [load.protocol];
      const socket = new WebSocket(load.url, protocols, { perMessageDeflate: false });
      await once(socket, 'open');
      return socket;
    }),
  );
  const failed = new Promise<never>((_resolve, reject) => {
    for (const socket of sockets) {
      let sentMs = 0;
      const send = (): void => {
        sentMs = performance.now();
        socket.send(load.message);
      };
      socket.on('message', () => {
        answerCount += 1;
        latencies.record(Math.max(1, Math.round((performance.now() - sentMs) * 1_000)));
        if (!isOver) send();
      });
      socket.once('error', reject);
      socket.once('close', () => {
        if (!isOver) reject(new Error('the server closed a WebSocket'));
      });
      send();
    }
  });
  const startMs = performance.now();
  const over = new Promise<void>((resolve) => setTimeout(resolve, load.seconds * 1_000));
  await Promise.race([over, failed]);
  isOver = true;
  const elapsedMs = performance.now() - startMs;
  for (const socket of sockets) socket.terminate();
  return {
    requestsPerSecond: (answerCount * 1_000) / elapsedMs,
    p99Ms: latencies.percentile(99) / 1_000,
  };
}
