/** What the transport over node:http promises beyond what uWebSockets.js can. */
import { describe, expect, test } from 'vitest';
import type { Exchange, TransportLimits } from '../../../server/http/transport.js';
import { until } from '../../support/until.js';
import { putText, RawConnection, requestText } from '../support/raw-connection.js';
import { ask, expectRefusal } from '../support/test-service.js';
import { listenOn } from '../support/transport-bench.js';

const IDLE_MS = 80;
const IDLE: Partial<TransportLimits> = { idleTimeoutMs: IDLE_MS };

function statusesOf(answers: readonly { status: number }[]): number[] {
  return answers.map(({ status }) => status);
}

describe('requests that were sent ahead', () => {
  test('are begun one after the other, and answered in order', async () => {
    const waiting: Exchange[] = [];
    const listener = await listenOn('node', {
      exchange: async (exchange) => {
        waiting.push(exchange);
        await Promise.resolve();
      },
    });
    const connection = await RawConnection.open(listener.port);
    connection.write(['/a', '/b', '/c'].map((path) => requestText(`GET ${path}`)).join(''));
    for (const path of ['/a', '/b', '/c']) {
      await until('the next has begun', () => waiting.length === 1);
      const [exchange] = waiting.splice(0);
      expect(exchange?.path).toBe(path);
      exchange?.end(Buffer.from(path));
      expect((await connection.nextResponse())?.body.toString()).toBe(path);
    }
    connection.destroy();
  });

  test('a client that does not read makes no answers pile up', async () => {
    const body = Buffer.alloc(16_384, 'x');
    const listener = await listenOn('node', {
      exchange: (exchange) => {
        exchange.end(body);
        return undefined;
      },
    });
    const connection = await RawConnection.open(listener.port);
    connection.stopReading();
    connection.write(requestText('GET /').repeat(2_000));
    await until('the system takes no more', () => {
      const before = listener.startedExchanges;
      return before > 0 && listener.pendingExchanges === 1;
    });
    expect(listener.startedExchanges).toBeLessThan(2_000);
    connection.resumeReading();
    for (let index = 0; index < 2_000; index++) {
      expect((await connection.nextResponse())?.body.length).toBe(body.length);
    }
    connection.destroy();
  });

  test('a bad one is refused after the answer to a pending one', async () => {
    let release: () => void = () => undefined;
    const listener = await listenOn('node', {
      exchange: (exchange) =>
        new Promise((resolve) => {
          release = () => {
            exchange.end(Buffer.from('good'));
            resolve();
          };
        }),
    });
    const connection = await RawConnection.open(listener.port);
    connection.write(`${requestText('GET /good')}FOO / HTTP/1.1\r\n\r\n`);
    await until('it has begun', () => listener.pendingExchanges === 1);
    release();
    expect(statusesOf(await connection.remainingResponses())).toEqual([200, 501]);
  });
});

describe('Expect', () => {
  const expecting = requestText('PUT /', ['Expect: 100-continue', 'Content-Length: 3']);

  test('H16: leave to send is given when the body is received', async () => {
    const { port } = await listenOn('node', {
      exchange: (exchange) =>
        new Promise((resolve) => {
          exchange.receiveBody({
            onChunk: (_chunk, isLast) => {
              if (!isLast) return;
              exchange.end(Buffer.from('stored'));
              resolve();
            },
            onAborted: resolve,
          });
        }),
    });
    const connection = await RawConnection.open(port);
    connection.write(expecting);
    expect((await connection.nextResponse())?.status).toBe(100);
    connection.write('abc');
    expect((await connection.nextResponse())?.body.toString()).toBe('stored');
    connection.destroy();
  });

  test('H16: an answer without it closes, because nobody can tell what comes next', async () => {
    const { port } = await listenOn('node', {});
    const connection = await RawConnection.open(port);
    connection.write(expecting);
    const answers = await connection.remainingResponses();
    expect(statusesOf(answers)).toEqual([200]);
    expect(answers[0]?.headers.get('connection')).toBe('close');
  });
});

describe('slow clients', () => {
  test('H10: headers that come too slowly are answered with 408', async () => {
    const { port } = await listenOn('node', { limits: IDLE });
    const connection = await RawConnection.open(port);
    connection.write('GET / HTTP/1.1\r\nHost: x\r\nA: ');
    const [answer] = await connection.remainingResponses();
    expectRefusal(answer, 408, 'ERR_HTTP_REQUEST_TIMEOUT');
  });

  test('H11: a body slower than 16 KiB a second is answered with 408', async () => {
    let abortCount = 0;
    const { port } = await listenOn('node', {
      limits: IDLE,
      exchange: (exchange) =>
        new Promise((resolve) => {
          const onAborted = (): void => {
            abortCount += 1;
            resolve();
          };
          exchange.receiveBody({ onChunk: () => undefined, onAborted });
        }),
    });
    const connection = await RawConnection.open(port);
    connection.write(requestText('PUT /', ['Content-Length: 100'], 'abc'));
    const timer = setInterval(() => connection.write('x'), IDLE_MS / 8);
    const answers = await connection.remainingResponses();
    clearInterval(timer);
    expectRefusal(answers[0], 408, 'ERR_HTTP_REQUEST_TIMEOUT');
    expect(abortCount).toBe(1);
  });

  test('an idle connection is closed without an answer, before and after a request', async () => {
    const { port } = await listenOn('node', { limits: IDLE });
    const silent = await RawConnection.open(port);
    expect(await silent.remainingResponses()).toEqual([]);
    const used = await RawConnection.open(port);
    used.write(requestText('GET /'));
    expect(statusesOf(await used.remainingResponses())).toEqual([200]);
  });

  test('H46: a client that never reads is closed, whoever waits for a handler is not', async () => {
    let release: () => void = () => undefined;
    const listener = await listenOn('node', {
      limits: IDLE,
      exchange: (exchange) => {
        if (exchange.path === '/large') {
          exchange.end(Buffer.alloc(24 * 1_024 ** 2));
          return undefined;
        }
        return new Promise((resolve) => {
          release = () => {
            exchange.end(Buffer.from('at last'));
            resolve();
          };
        });
      },
    });
    const patient = await RawConnection.open(listener.port);
    patient.write(requestText('GET /slow'));
    const lazy = await RawConnection.open(listener.port);
    lazy.stopReading();
    lazy.write(requestText('GET /large'));
    await until('both have begun', () => listener.pendingExchanges === 2);
    await until('one is cut', () => listener.openConnections === 1);
    release();
    expect((await patient.nextResponse())?.body.toString()).toBe('at last');
    lazy.destroy();
    patient.destroy();
  });
});

test('H9: the limit of the header block is the setting', async () => {
  const { port } = await listenOn('node', { limits: { headerBytesMax: 16_384 } });
  const fits = await ask(port, requestText('GET /', [`A: ${'b'.repeat(15_000)}`]));
  expect(fits?.status).toBe(200);
  const over = await ask(port, requestText('GET /', [`A: ${'b'.repeat(17_000)}`]));
  expectRefusal(over, 431, 'ERR_HTTP_HEADERS_TOO_LARGE');
});

test('100 header lines are served, one more is refused', async () => {
  const { port } = await listenOn('node', {});
  const lines = Array.from({ length: 99 }, (_, index) => `H${index}: b`);
  expect((await ask(port, putText('/', 'x', lines.slice(1))))?.status).toBe(200);
  expect((await ask(port, requestText('GET /', lines)))?.status).toBe(200);
  expect((await ask(port, requestText('GET /', [...lines, 'Last: b'])))?.status).toBe(431);
});
