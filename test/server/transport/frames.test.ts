/** Entries of the catalogue of bad input that concern handshakes and frames of WebSockets. */
import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { until } from '../../support/until.js';
import { RawConnection, requestText } from '../support/raw-connection.js';
import { ask, TRANSPORT_KINDS } from '../support/test-service.js';
import { listenOn, SocketOwner } from '../support/transport-bench.js';

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket'];
const VERSION = 'Sec-WebSocket-Version: 13';
const HANDSHAKE = requestText('GET /ws', [...UPGRADE, VERSION, KEY]);
const MESSAGE_BYTES_MAX = 1_000;

const FIN = 0x80;
const RSV1 = 0x40;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const MASKED = 0x80;

/** One frame of a client, with the mask 0. */
function frame(firstByte: number, payload: Uint8Array, mask: number = MASKED): Buffer {
  const length = payload.length;
  const head =
    length < 126 ? [firstByte, mask | length] : [firstByte, mask | 126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(mask === 0 ? 0 : 4), payload]);
}

/** The code of the close frame that ends what a server sent; 1006 where there is none. */
function closeCode(bytes: Buffer): number {
  return bytes.length >= 4 && bytes[0] === (FIN | CLOSE) ? bytes.readUInt16BE(2) : 1006;
}

describe.each(TRANSPORT_KINDS)('frames over %s', (kind) => {
  async function openRaw(owner: SocketOwner): Promise<RawConnection> {
    const limits = { messageBytesMax: MESSAGE_BYTES_MAX };
    const { port } = await listenOn(kind, { upgrade: owner.upgrade, limits });
    const connection = await RawConnection.open(port);
    connection.write(HANDSHAKE);
    expect((await connection.nextResponse())?.status).toBe(101);
    return connection;
  }

  const bomb = deflateRawSync(Buffer.alloc(1_000_000));
  const invalidText = Buffer.of(0xc3, 0x28);

  test.each([
    ['W3: a message over the limit', frame(FIN | BINARY, Buffer.alloc(1_001)), 1009],
    [
      'W3: a message in frames that are over the limit together',
      Buffer.concat([frame(BINARY, Buffer.alloc(600)), frame(FIN, Buffer.alloc(600))]),
      1009,
    ],
    ['W4: an unmasked frame', frame(FIN | TEXT, Buffer.from('a'), 0), 1002],
    ['W4: a reserved bit', frame(FIN | 0x20 | TEXT, Buffer.from('a')), 1002],
    ['W4: a reserved opcode', frame(FIN | 3, Buffer.from('a')), 1002],
    ['W4: a ping in pieces', frame(PING, Buffer.from('a')), 1002],
    ['W4: a ping of 126 bytes', frame(FIN | PING, Buffer.alloc(126)), 1002],
    ['W5: text that is not UTF-8', frame(FIN | TEXT, invalidText), 1007],
    ['W6: a compressed frame, never agreed to', frame(FIN | RSV1 | BINARY, bomb), 1002],
  ])('%s closes the connection', async (_name, bytes, code) => {
    const owner = new SocketOwner();
    const connection = await openRaw(owner);
    connection.write(bytes);
    const received = await connection.remainingBytes();
    expect(closeCode(received)).toBe(kind === 'uws' ? 1006 : code);
    await until('the owner knows', () => owner.logs[0]?.closeCount === 1);
    expect(owner.logs[0]?.messages).toEqual([]);
    connection.destroy();
  });

  test('frames split at every byte, and a message in pieces with a ping between', async () => {
    const owner = new SocketOwner();
    const connection = await openRaw(owner);
    const bytes = Buffer.concat([
      frame(TEXT, Buffer.from('one ')),
      frame(FIN | PING, Buffer.from('p')),
      frame(FIN, Buffer.from('message')),
      frame(FIN | BINARY, Buffer.alloc(MESSAGE_BYTES_MAX, 'y')),
    ]);
    await connection.writeByteByByte(bytes.toString('latin1'));
    await until('both came', () => owner.logs[0]?.messages.length === 2);
    expect(owner.logs[0]?.messages).toEqual([
      ['one message', false],
      ['y'.repeat(MESSAGE_BYTES_MAX), true],
    ]);
    connection.destroy();
  });

  test('W13: a FIN without a close frame is cleaned up', async () => {
    const owner = new SocketOwner();
    const connection = await openRaw(owner);
    connection.destroy();
    await until('the owner knows', () => owner.logs[0]?.closeCount === 1);
    expect(owner.sockets[0]?.isOpen).toBe(false);
  });

  test('W13: a client that answers no ping is cut', async () => {
    const owner = new SocketOwner();
    // That of uWebSockets.js is eight seconds at least.
    const { port } = await listenOn(kind, {
      upgrade: owner.upgrade,
      limits: { idleTimeoutMs: kind === 'uws' ? 8_000 : 200 },
    });
    const connection = await RawConnection.open(port);
    connection.write(HANDSHAKE);
    expect((await connection.nextResponse())?.status).toBe(101);
    const received = await connection.remainingBytes();
    expect(received[0]).toBe(FIN | PING);
    await until('the owner knows', () => owner.logs[0]?.closeCount === 1);
  });

  test.each([
    ['of version 12', [...UPGRADE, 'Sec-WebSocket-Version: 12', KEY], 426],
    ['without a version', [...UPGRADE, KEY], 426],
    ['whose key is no base64', [...UPGRADE, VERSION, `Sec-WebSocket-Key: ${'?'.repeat(24)}`], 400],
    ['whose key is 17 bytes', [...UPGRADE, VERSION, `Sec-WebSocket-Key: ${'A'.repeat(23)}=`], 400],
  ])('W2: a handshake %s is refused', async (_name, headers, status) => {
    const { port } = await listenOn(kind, { upgrade: new SocketOwner().upgrade });
    const answer = await ask(port, requestText('GET /ws', headers));
    expect(answer?.status).toBe(status);
    expect(answer?.headers.get('sec-websocket-version')).toBe(status === 426 ? '13' : undefined);
  });

  test('W2: a key of another length is refused, where the library does not hide it', async () => {
    const { port } = await listenOn(kind, { upgrade: new SocketOwner().upgrade });
    for (const key of [[], ['Sec-WebSocket-Key: c2hvcnQ=']]) {
      const answer = await ask(port, requestText('GET /ws', [...UPGRADE, VERSION, ...key]));
      // uWebSockets.js takes it for a plain GET, which the route of the path refuses.
      if (kind === 'uws') expect(answer?.body.toString()).toBe('GET /ws');
      else expect(answer?.status).toBe(400);
    }
  });

  test('a handshake by another method is an ordinary request', async () => {
    const { port } = await listenOn(kind, { upgrade: new SocketOwner().upgrade });
    const headers = [...UPGRADE, VERSION, KEY, 'Content-Length: 3'];
    const connection = await RawConnection.open(port);
    connection.write(requestText('PUT /ws', headers, 'abc') + requestText('GET /next'));
    expect((await connection.nextResponse())?.body.toString()).toBe('PUT /ws');
    expect((await connection.nextResponse())?.body.toString()).toBe('GET /next');
    connection.destroy();
  });

  test('a handshake behind another request is answered after it', async () => {
    const owner = new SocketOwner();
    const { port } = await listenOn(kind, { upgrade: owner.upgrade });
    const connection = await RawConnection.open(port);
    connection.write(requestText('GET /first') + HANDSHAKE);
    expect((await connection.nextResponse())?.body.toString()).toBe('GET /first');
    expect((await connection.nextResponse())?.status).toBe(101);
    connection.write(frame(FIN | TEXT, Buffer.from('hi')));
    await until('it came', () => owner.logs[0]?.messages.length === 1);
    connection.destroy();
  });
});
