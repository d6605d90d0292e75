/** What metrics and the log are told of requests over WebSockets. */
import { beforeAll, describe, expect, test } from 'vitest';
import { RequestError } from '../../server/error-table.js';
import { createRequestObserver } from '../../server/observability/request-observer.js';
import { ServiceBlock } from '../../server/observability/service-block.js';
import { ServiceLog } from '../../server/observability/service-log.js';
import { ThreadMetrics } from '../../server/observability/thread-metrics.js';
import type { Engine } from '../../src/index.js';
import { CodecDouble } from './support/codec-double.js';
import { SocketDouble } from './support/socket-double.js';
import { createSocketRig } from './support/socket-rig.js';
import { openEngine } from './support/test-service.js';

let engine: Engine;

beforeAll(async () => {
  engine = await openEngine();
});

test('a request is told with its id and entry, and counted, also when it is refused', () => {
  const codec = new CodecDouble();
  const { server, told, counted } = createSocketRig(engine, { codec, sockets: { inFlightMax: 1 } });
  const socket = SocketDouble.open(server.upgrade);
  socket.receive({ id: 1, op: 'get', namespace: 'n', key: 'a' });
  codec.hold();
  socket.receive({ id: 2, op: 'set', key: 'b', value: 1 });
  socket.receive({ id: 3, op: 'getMany', keys: ['a'] });
  expect(told).toMatchObject([
    { requestId: 'socket-1', operation: 'get', entry: { namespace: 'n', key: 'a' } },
    {
      requestId: 'socket-3',
      operation: 'batch_get',
      entry: undefined,
      error: { code: 'ERR_SOCKET_TOO_MANY_REQUESTS' },
    },
  ]);
  expect(counted.map(({ outcome }) => outcome)).toEqual(['ok', 'refused']);
  codec.release();
});

test('a message that is no request is counted as one that nothing serves', () => {
  const { server, told, unserved } = createSocketRig(engine);
  const socket = SocketDouble.open(server.upgrade);
  socket.receive({ id: 1, op: 'nothing' });
  socket.receive({ op: 'ping' });
  expect(unserved.count).toBe(2);
  expect(told).toEqual([]);
});

describe('the log of requests over WebSockets', () => {
  const overload = new RequestError('ERR_CACHE_OVERLOADED', 'too many');
  const refusal = new RequestError('ERR_CACHE_INVALID_KEY', 'the key is empty');

  function linesAt(level: 'debug' | 'info'): unknown[] {
    const lines: Record<string, unknown>[] = [];
    const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
    const observer = createRequestObserver({
      metrics: new ThreadMetrics(ServiceBlock.create(1), 0),
      log: new ServiceLog({ level, redactsKeys: true }, stream),
      tracing: undefined,
    });
    const message = { operation: 'get', entry: { namespace: '', key: 'secret' } } as const;
    const ends = [
      { requestId: 's-1', durationMs: 1, error: undefined },
      { requestId: 's-2', durationMs: 1, error: refusal },
      { requestId: 's-3', durationMs: 1, error: overload },
      { requestId: 's-4', durationMs: 100, error: undefined },
    ];
    for (const end of ends) {
      if (!observer.wantsMessage(end.durationMs, end.error)) continue;
      observer.onMessageEnd({ ...message, ...end });
    }
    expect(JSON.stringify(lines)).not.toContain('secret');
    return lines.map(({ requestId, msg }) => `${requestId} ${msg}`);
  }

  test('holds failures and slow ones at any level, all others where it is wanted', () => {
    expect(linesAt('info')).toEqual(['s-3 failed operation', 's-4 slow operation']);
    expect(linesAt('debug')).toEqual([
      's-1 operation',
      's-2 operation',
      's-3 failed operation',
      's-4 slow operation',
    ]);
  });
});
