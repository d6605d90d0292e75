/** The contract of `server/http/transport.ts` for requests and answers, over every transport. */
import { describe, expect, test } from 'vitest';
import type { Exchange } from '../../../server/http/transport.js';
import { until } from '../../support/until.js';
import { putText, RawConnection, requestText } from '../support/raw-connection.js';
import { ask, TRANSPORT_KINDS } from '../support/test-service.js';
import { listenOn } from '../support/transport-bench.js';

const MIB = 1_024 ** 2;
const LATER = Promise.resolve();

/** Receives a body, and answers with its length and whether it came whole. */
function echoLength(exchange: Exchange): Promise<void> {
  return new Promise((resolve) => {
    let receivedBytes = 0;
    exchange.receiveBody({
      onChunk: (chunk, isLast) => {
        receivedBytes += chunk.length;
        if (!isLast) return;
        exchange.cork(() => exchange.end(Buffer.from(String(receivedBytes))));
        resolve();
      },
      onAborted: resolve,
    });
  });
}

describe.each(TRANSPORT_KINDS)('exchanges over %s', (kind) => {
  test('the request is as sent: method, path, query, address, headers in order', async () => {
    let seen: unknown;
    const { port } = await listenOn(kind, {
      exchange: (exchange) => {
        const lines: string[] = [];
        exchange.visitHeaders((name, value) => lines.push(`${name}=${value}`));
        seen = {
          method: exchange.method,
          path: exchange.path,
          query: exchange.query,
          address: exchange.remoteAddress,
          a: exchange.header('x-a'),
          none: exchange.header('__proto__'),
          lines,
        };
        exchange.end(Buffer.of());
        return undefined;
      },
    });
    await ask(port, requestText('GET /a%2Fb//c?x=%20&y?z', ['X-A: 1', 'x-a: 2', 'X-B:  3  ']));
    expect(seen).toEqual({
      method: 'GET',
      path: '/a%2Fb//c',
      query: 'x=%20&y?z',
      address: '127.0.0.1',
      a: '1',
      none: '',
      lines: ['host=localhost', 'x-a=1', 'x-a=2', 'x-b=3'],
    });
  });

  test('a request can be read only before its handler returns', async () => {
    const failures: unknown[] = [];
    const { port } = await listenOn(kind, {
      exchange: async (exchange) => {
        await LATER;
        for (const read of [() => exchange.header('host'), () => exchange.query]) {
          try {
            read();
          } catch (error) {
            failures.push(error);
          }
        }
        exchange.cork(() => exchange.end(Buffer.of()));
      },
    });
    expect((await ask(port, requestText('GET /')))?.status).toBe(200);
    expect(failures).toHaveLength(2);
  });

  test('status, headers, whole lines of headers and the body are written as given', async () => {
    const { port } = await listenOn(kind, {
      exchange: (exchange) => {
        exchange.writeStatus(503);
        exchange.writeHeader('X-One', '1');
        exchange.writeHeaderLines(Buffer.from('X-Two'), Buffer.from('2\r\nX-Three: a: b'));
        exchange.end(Buffer.from('body'));
        return undefined;
      },
    });
    const answer = await ask(port, requestText('GET /'));
    expect(answer?.status).toBe(503);
    expect(answer?.body.toString()).toBe('body');
    expect(Object.fromEntries(answer?.headers ?? [])).toMatchObject({
      'x-one': '1',
      'x-two': '2',
      'x-three': 'a: b',
      'content-length': '4',
    });
  });

  test('answers without a body: 204 says nothing of a length, HEAD says that of GET', async () => {
    const { port } = await listenOn(kind, {
      exchange: (exchange) => {
        if (exchange.method === 'HEAD') exchange.endWithLengthOnly(12_345);
        else {
          exchange.writeStatus(204);
          exchange.endWithoutBody();
        }
        return undefined;
      },
    });
    const connection = await RawConnection.open(port);
    connection.write(requestText('GET /') + requestText('GET /'));
    for (let index = 0; index < 2; index++) {
      const answer = await connection.nextResponse();
      expect(answer?.status).toBe(204);
      expect(answer?.headers.has('content-length')).toBe(false);
      expect(answer?.headers.has('transfer-encoding')).toBe(false);
    }
    connection.destroy();
    const head = await fetch(`http://127.0.0.1:${port}/`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe('12345');
    expect(await head.text()).toBe('');
  });

  test('every write after the end is ignored', async () => {
    const { port } = await listenOn(kind, {
      exchange: (exchange) => {
        exchange.end(Buffer.from('first'));
        exchange.writeStatus(500);
        exchange.writeHeader('X-Late', '1');
        exchange.end(Buffer.from('second'));
        exchange.endWithoutBody();
        exchange.endWithLengthOnly(3);
        let settledCount = 0;
        exchange.endParts([Buffer.from('x')], 1, () => {
          settledCount += 1;
        });
        expect([exchange.isOpen, settledCount]).toEqual([false, 1]);
        return undefined;
      },
    });
    const connection = await RawConnection.open(port);
    for (let index = 0; index < 2; index++) {
      connection.write(requestText('GET /'));
      expect((await connection.nextResponse())?.body.toString()).toBe('first');
    }
    connection.destroy();
  });

  test.each([
    ['stated', (body: string) => putText('/', body)],
    [
      'chunked',
      (body: string) =>
        requestText(
          'PUT /',
          ['Transfer-Encoding: chunked'],
          `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
        ),
    ],
  ])('a body whose length is %s comes whole, and the next request after it', async (_, encode) => {
    const { port } = await listenOn(kind, { exchange: echoLength });
    const connection = await RawConnection.open(port);
    for (const bodyBytes of [1, 70_000, 3 * MIB]) {
      connection.write(encode('x'.repeat(bodyBytes)));
      expect((await connection.nextResponse())?.body.toString()).toBe(String(bodyBytes));
    }
    connection.destroy();
  });

  test('a body that nobody receives is skipped', async () => {
    const { port } = await listenOn(kind, {});
    const connection = await RawConnection.open(port);
    connection.write(putText('/a', 'x'.repeat(MIB)) + requestText('GET /b'));
    expect((await connection.nextResponse())?.body.toString()).toBe('PUT /a');
    expect((await connection.nextResponse())?.body.toString()).toBe('GET /b');
    connection.destroy();
  });

  test('H12: a client that goes away in its body is told once, and nothing is pending', async () => {
    let abortCount = 0;
    const listener = await listenOn(kind, {
      exchange: (exchange) =>
        new Promise((resolve) => {
          exchange.receiveBody({
            onChunk: () => undefined,
            onAborted: () => {
              abortCount += 1;
              exchange.end(Buffer.from('nobody'));
              resolve();
            },
          });
        }),
    });
    const connection = await RawConnection.open(listener.port);
    connection.write(requestText('PUT /', ['Content-Length: 10'], 'abc'));
    await until('it has begun', () => listener.pendingExchanges === 1);
    connection.destroy();
    await until('it is told', () => abortCount === 1);
    await until('nothing is open', () => listener.openConnections === 0);
    expect([listener.pendingExchanges, listener.startedExchanges]).toEqual([0, 1]);
  });

  test('H46: parts that a client does not take are copied, and given up with the client', async () => {
    const parts = Array.from({ length: 24 }, (_, index) => new Uint8Array(MIB).fill(index));
    let settledCount = 0;
    const listener = await listenOn(kind, {
      exchange: (exchange) => {
        const lent = parts.map((part) => part.slice());
        exchange.endParts(lent, 24 * MIB, () => {
          settledCount += 1;
        });
        for (const part of lent) part.fill(255);
        return undefined;
      },
    });
    const late = await RawConnection.open(listener.port);
    late.stopReading();
    late.write(requestText('GET /'));
    await until('it has begun', () => listener.startedExchanges === 1);
    expect(settledCount).toBe(0);
    late.resumeReading();
    const answer = await late.nextResponse();
    expect(answer?.body.equals(Buffer.concat(parts))).toBe(true);
    await until('it is settled', () => settledCount === 1);
    late.destroy();
    const gone = await RawConnection.open(listener.port);
    gone.stopReading();
    gone.write(requestText('GET /'));
    await until('it has begun', () => listener.startedExchanges === 2);
    gone.destroy();
    await until('it is given up', () => settledCount === 2);
    await until('nothing is pending', () => listener.pendingExchanges === 0);
  });

  test('a body that is shorter than was said ends the connection', async () => {
    let settledCount = 0;
    const { port } = await listenOn(kind, {
      exchange: (exchange) => {
        exchange.endParts([Buffer.from('abc')], 4, () => {
          settledCount += 1;
        });
        return undefined;
      },
    });
    expect(await ask(port, requestText('GET /'))).toBeUndefined();
    expect(settledCount).toBe(1);
  });

  test('closeAfterResponse says so and does so', async () => {
    const listener = await listenOn(kind, {
      exchange: (exchange) => {
        exchange.closeAfterResponse();
        exchange.end(Buffer.from('last'));
        return undefined;
      },
    });
    const connection = await RawConnection.open(listener.port);
    connection.write(requestText('GET /a') + requestText('GET /b'));
    const answers = await connection.remainingResponses();
    // uWebSockets.js has handed over everything in the packet before it closes.
    const servedCount = kind === 'uws' ? 2 : 1;
    expect(answers.map(({ body }) => body.toString())).toEqual(Array(servedCount).fill('last'));
    expect(answers[0]?.headers.get('connection')).toBe('close');
    expect(listener.startedExchanges).toBe(servedCount);
  });

  test('connections over the limit are closed at once, and others are served', async () => {
    const listener = await listenOn(kind, { limits: { connectionsMax: 2 } });
    const first = await RawConnection.open(listener.port);
    const second = await RawConnection.open(listener.port);
    await until('both are open', () => listener.openConnections === 2);
    const third = await RawConnection.open(listener.port);
    await third.closed;
    second.write(requestText('GET /x'));
    expect((await second.nextResponse())?.body.toString()).toBe('GET /x');
    first.destroy();
    await until('one is left', () => listener.openConnections === 1);
    expect((await ask(listener.port, requestText('GET /y')))?.status).toBe(200);
    second.destroy();
  });

  test('a drain takes no more connections and closes each after its next answer', async () => {
    const listener = await listenOn(kind, {});
    const connection = await RawConnection.open(listener.port);
    await until('it is open', () => listener.openConnections === 1);
    listener.drain();
    await expect(RawConnection.open(listener.port)).rejects.toThrow('ECONNREFUSED');
    connection.write(requestText('GET /x'));
    const [answer] = await connection.remainingResponses();
    expect(answer?.headers.get('connection')).toBe('close');
    listener.close();
    listener.close();
    expect(listener.pendingExchanges).toBe(0);
  });
});
