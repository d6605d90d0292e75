/** WebSockets as every transport must serve them. */
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { until } from '../../support/until.js';
import { RawConnection, requestText } from '../support/raw-connection.js';
import { ask, TRANSPORT_KINDS } from '../support/test-service.js';
import { listenOn, SocketOwner } from '../support/transport-bench.js';

const HANDSHAKE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

async function connect(port: number, protocols: string[] = []): Promise<WebSocket> {
  const client = new WebSocket(`ws://127.0.0.1:${port}/ws?a=b`, protocols);
  await once(client, 'open');
  return client;
}

describe.each(TRANSPORT_KINDS)('WebSockets over %s', (kind) => {
  test('text and bytes travel both ways as they are', async () => {
    const owner = new SocketOwner();
    const { port } = await listenOn(kind, { upgrade: owner.upgrade });
    const client = await connect(port);
    client.send('text');
    client.send(Buffer.of(0, 255));
    await until('both came', () => owner.logs[0]?.messages.length === 2);
    expect(owner.logs[0]?.messages).toEqual([
      ['text', false],
      ['\x00\xff', true],
    ]);
    const [socket] = owner.sockets;
    const answers = once(client, 'message');
    expect(socket?.send(Buffer.from('answer'), false)).toBe('sent');
    const [data, isBinary] = await answers;
    expect([String(data), isBinary]).toEqual(['answer', false]);
    client.close();
    await until('it is gone', () => owner.logs[0]?.closeCount === 1);
    expect(socket?.isOpen).toBe(false);
  });

  test('the chosen subprotocol is answered', async () => {
    const owner = new SocketOwner();
    owner.protocol = 'b';
    const { port } = await listenOn(kind, { upgrade: owner.upgrade });
    const client = await connect(port, ['a', 'b']);
    expect(client.protocol).toBe('b');
    client.terminate();
  });

  test('open sockets and their connections are counted', async () => {
    const owner = new SocketOwner();
    const listener = await listenOn(kind, { upgrade: owner.upgrade });
    const client = await connect(listener.port);
    expect([listener.openSockets, listener.openConnections]).toEqual([1, 1]);
    client.terminate();
    await until('nothing is open', () => listener.openConnections === 0);
    expect(listener.openSockets).toBe(0);
    expect(owner.logs[0]?.closeCount).toBe(1);
  });

  test('a plain GET on any path is an exchange', async () => {
    const { port } = await listenOn(kind, { upgrade: new SocketOwner().upgrade });
    const plain = await ask(port, requestText('GET /ws'));
    expect(plain?.body.toString()).toBe('GET /ws');
    const h2c = [
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQ',
    ];
    const other = await ask(port, requestText('GET /other?x=1', h2c));
    expect(other?.body.toString()).toBe('GET /other?x=1');
  });

  test('W2: a handshake of another version is refused', async () => {
    const { port } = await listenOn(kind, { upgrade: new SocketOwner().upgrade });
    const lines = HANDSHAKE.map((line) => line.replace('Version: 13', 'Version: 12'));
    const answer = await ask(port, requestText('GET /ws', lines));
    expect(answer?.status).toBe(426);
    expect(answer?.headers.get('sec-websocket-version')).toBe('13');
  });

  test('a refusal is answered as the handler says', async () => {
    const { port } = await listenOn(kind, {});
    const answer = await ask(port, requestText('GET /ws', HANDSHAKE));
    expect(answer?.status).toBe(404);
    expect(answer?.headers.get('x-refused')).toBe('yes');
    expect(answer?.body.toString()).toBe('no sockets here');
  });

  test.each([
    [100_000],
    // Less than what Node.js itself thinks much, and no more than what the system holds.
    [1_000],
  ])(
    'a socket that is not read is slow over %i bytes, loses nothing, and drains',
    async (limit) => {
      const owner = new SocketOwner();
      const { port } = await listenOn(kind, {
        upgrade: owner.upgrade,
        limits: { socketBacklogBytesMax: limit },
      });
      const client = await connect(port);
      client.pause();
      const [socket] = owner.sockets;
      const message = Buffer.alloc(Math.min(50_000, 5 * limit), 'x');
      let sentCount = 0;
      let outcome = 'sent';
      while (outcome === 'sent' && sentCount < 10_000) {
        message.writeUInt32BE(sentCount, 0);
        outcome = socket?.send(message, true) ?? '';
        sentCount += 1;
      }
      expect(outcome).toBe('slow');
      expect(socket?.backlogBytes).toBeGreaterThan(limit);
      // Even what is sent against the advice arrives.
      message.writeUInt32BE(sentCount, 0);
      expect(socket?.send(message, true)).toBe('slow');
      const received: number[] = [];
      client.on('message', (data) => received.push((data as Buffer).readUInt32BE(0)));
      client.resume();
      await until('all came', () => received.length === sentCount + 1);
      expect(received).toEqual(Array.from({ length: sentCount + 1 }, (_, index) => index));
      await until('it drained', () => owner.logs[0]?.drainCount !== 0);
      expect(socket?.backlogBytes).toBe(0);
      client.terminate();
    },
  );

  test('a close frame carries code and reason; calls after it are ignored', async () => {
    const owner = new SocketOwner();
    const { port } = await listenOn(kind, { upgrade: owner.upgrade });
    const client = await connect(port);
    const [socket] = owner.sockets;
    const closed = once(client, 'close');
    socket?.close(1013, 'try again later');
    const [code, reason] = await closed;
    expect([code, String(reason)]).toEqual([1013, 'try again later']);
    await until('the owner knows', () => owner.logs[0]?.closeCount === 1);
    expect(socket?.send(Buffer.from('late'), false)).toBe('sent');
    socket?.close(1000, '');
    socket?.cut();
    expect(socket?.backlogBytes).toBe(0);
    expect(owner.logs[0]?.closeCount).toBe(1);
  });

  test('a drain leaves sockets alone, and a close cuts them', async () => {
    const owner = new SocketOwner();
    const listener = await listenOn(kind, { upgrade: owner.upgrade });
    const client = await connect(listener.port);
    listener.drain();
    await expect(RawConnection.open(listener.port)).rejects.toThrow('ECONNREFUSED');
    const answers = once(client, 'message');
    owner.sockets[0]?.send(Buffer.from('still here'), false);
    expect(String((await answers)[0])).toBe('still here');
    const closed = once(client, 'close');
    listener.close();
    expect((await closed)[0]).toBe(1006);
    await until('the owner knows', () => owner.logs[0]?.closeCount === 1);
    expect(listener.openSockets).toBe(0);
  });
});
