import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { UwsRequest, UwsResponse } from '../../../server/http/uws-binding.js';
import { UwsExchange, type UwsListenerState } from '../../../server/http/uws-exchange.js';

/** A socket that takes as much of each part as it is told to, as uWebSockets.js does. */
class SlowSocket {
  readonly sent: Buffer[] = [];
  readonly calls: string[] = [];
  onAborted: () => void = () => undefined;
  private readonly room: Iterator<number>;
  private offset = 0;
  private resume: ((offset: number) => boolean) | undefined;

  constructor(room: Iterable<number>) {
    this.room = room[Symbol.iterator]();
  }

  asResponse(): UwsResponse {
    const response: Partial<UwsResponse> = {
      tryEnd: (part, totalBytes) => this.take(part as Uint8Array, totalBytes),
      getWriteOffset: () => this.offset,
      onWritable: (resume) => {
        this.resume = resume;
        return response as UwsResponse;
      },
      onAborted: (handler) => {
        this.onAborted = handler;
        return response as UwsResponse;
      },
      writeHeader: (name, value) => {
        this.calls.push(`${name}: ${value}`);
        return response as UwsResponse;
      },
      close: () => {
        this.calls.push('close');
        return response as UwsResponse;
      },
    };
    return response as UwsResponse;
  }

  /** Lets the client read, until the response is complete or nothing waits for it. */
  drain(): void {
    for (let round = 0; this.resume !== undefined && round < 1_000; round++) {
      if (this.resume(this.offset)) return;
    }
  }

  private take(part: Uint8Array, totalBytes: number): [boolean, boolean] {
    const next = this.room.next();
    const takenBytes = next.done === true ? part.length : Math.min(part.length, next.value);
    this.sent.push(Buffer.from(part.subarray(0, takenBytes)));
    this.offset += takenBytes;
    return [takenBytes === part.length, this.offset === totalBytes];
  }
}

const request = { getUrl: () => '/cache/a' } as UwsRequest;

function listenerState(): UwsListenerState {
  return {
    pendingExchanges: 0,
    startedExchanges: 0,
    openConnections: 1,
    openSockets: 0,
    isDraining: false,
  };
}

describe('a body in parts', () => {
  test('arrives whole, however little the socket takes at a time', () => {
    const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1 });
    const room = fc.array(fc.integer({ min: 0, max: 25 }), { maxLength: 60 });
    fc.assert(
      fc.property(parts, room, (given, takenBytes) => {
        const value = Buffer.concat(given);
        const shared = given.map((part) => new Uint8Array(part));
        const socket = new SlowSocket(takenBytes);
        const state = listenerState();
        const exchange = new UwsExchange(state);
        let settledCount = 0;
        exchange.begin('GET', socket.asResponse(), request);
        exchange.endParts(shared, value.length, () => {
          settledCount += 1;
        });
        exchange.leaveHandler();
        expect(state.pendingExchanges).toBe(exchange.isOpen ? 1 : 0);
        // The views were lent for the call alone.
        for (const part of shared) part.fill(0);
        socket.drain();
        expect(Buffer.concat(socket.sent).equals(value)).toBe(true);
        expect({ isOpen: exchange.isOpen, settledCount, pending: state.pendingExchanges }).toEqual({
          isOpen: false,
          settledCount: 1,
          pending: 0,
        });
      }),
    );
  });

  test('is given up once when the client goes away', () => {
    const socket = new SlowSocket([3]);
    const state = listenerState();
    const exchange = new UwsExchange(state);
    let settledCount = 0;
    exchange.begin('GET', socket.asResponse(), request);
    exchange.endParts([Buffer.alloc(10)], 10, () => {
      settledCount += 1;
    });
    exchange.leaveHandler();
    socket.onAborted();
    socket.onAborted();
    exchange.writeHeader('X', 'late');
    exchange.end(Buffer.alloc(1));
    expect({ settledCount, pending: state.pendingExchanges, calls: socket.calls }).toEqual({
      settledCount: 1,
      pending: 0,
      calls: [],
    });
  });

  test('that is shorter than it was said to be ends the connection', () => {
    const socket = new SlowSocket([]);
    const exchange = new UwsExchange(listenerState());
    let settledCount = 0;
    exchange.begin('GET', socket.asResponse(), request);
    exchange.endParts([Buffer.alloc(3)], 4, () => {
      settledCount += 1;
    });
    expect({ isOpen: exchange.isOpen, settledCount, calls: socket.calls }).toEqual({
      isOpen: false,
      settledCount: 1,
      calls: ['close'],
    });
  });

  test('says that the connection closes while the listener drains', () => {
    const socket = new SlowSocket([]);
    const state = listenerState();
    state.isDraining = true;
    const exchange = new UwsExchange(state);
    exchange.begin('GET', socket.asResponse(), request);
    exchange.endParts([Buffer.alloc(3)], 3, () => undefined);
    expect(socket.calls).toEqual(['Connection: close']);
  });
});

test('a request cannot be read after its handler has returned', () => {
  const exchange = new UwsExchange(listenerState());
  exchange.begin('GET', new SlowSocket([]).asResponse(), request);
  exchange.leaveHandler();
  expect(() => exchange.header('host')).toThrow('only before its handler returns');
});
