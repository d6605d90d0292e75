import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createHttpTarget } from '../../bench/replay/http-target.js';

const VALUE_BYTES_MAX = 10_000;
let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** The part of the cache's HTTP interface that a replay uses. */
async function answer(
  values: Map<string, Buffer>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const key = decodeURIComponent((request.url ?? '').replace('/base/cache/', ''));
  // As a server does that refuses a body by its length.
  if (key === 'cut' && request.method === 'PUT') {
    request.socket.resetAndDestroy();
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  if (key === 'busy') response.writeHead(503).end();
  else if (key === 'broken') response.writeHead(500).end();
  else if (request.method === 'DELETE') {
    values.delete(key);
    response.writeHead(204).end();
  } else if (request.method === 'PUT' && body.length > VALUE_BYTES_MAX)
    response.writeHead(413).end();
  else if (request.method === 'PUT') {
    values.set(key, body);
    response.writeHead(201).end();
  } else {
    const value = values.get(key);
    response.writeHead(value === undefined ? 404 : 200).end(value);
  }
}

async function startCache(values: Map<string, Buffer>): Promise<URL> {
  const started = createServer((request, response) => {
    answer(values, request, response).catch((error: Error) => response.destroy(error));
  });
  server = started;
  started.listen(0, '127.0.0.1');
  await once(started, 'listening');
  return new URL(`http://127.0.0.1:${(started.address() as AddressInfo).port}/base/`);
}

test('gets, sets and deletes go over the wire, keys of any text included', async () => {
  const values = new Map<string, Buffer>();
  let isClosed = false;
  const target = createHttpTarget(await startCache(values), 'test', async () => {
    isClosed = true;
  });
  for (const key of ['plain', '/a/b?c=d&e=%20', 'ключ ☃', '..', 'x'.repeat(1_024)]) {
    expect(await target.get(key)).toBe(false);
    expect(await target.set(key, 123)).toBe('stored');
    expect(await target.get(key)).toBe(true);
    expect(await target.heldValueBytes(key)).toBe(123);
    expect(values.get(key)).toHaveLength(123);
    await target.delete(key);
    expect(await target.get(key)).toBe(false);
  }
  expect(await target.set('empty', 0)).toBe('stored');
  expect(await target.heldValueBytes('empty')).toBe(0);
  expect(target.occupancy()).toBeUndefined();
  await target.close();
  expect(isClosed).toBe(true);
});

test('a value over the limit, a busy server and an unexpected answer are told apart', async () => {
  const target = createHttpTarget(await startCache(new Map()), 'test', async () => undefined);
  expect(await target.set('large', VALUE_BYTES_MAX + 1)).toBe('too-large');
  expect(await target.set('huge', 2 ** 40)).toBe('too-large');
  expect(await target.set('busy', 1)).toBe('refused');
  expect(await target.get('busy')).toBe(false);
  await expect(target.get('broken')).rejects.toThrow(/GET of key "broken" by 500/);
  await expect(target.set('broken', 1)).rejects.toThrow(/PUT of key "broken" by 500/);
  await expect(target.delete('broken')).rejects.toThrow(/DELETE of key "broken" by 500/);
  await target.close();
});

test('a large body that the server cuts off was too large, a small one is an error', async () => {
  const target = createHttpTarget(await startCache(new Map()), 'test', async () => undefined);
  expect(await target.set('cut', 8 * 1024 ** 2)).toBe('too-large');
  await expect(target.set('cut', 5)).rejects.toThrow(/does not answer/);
  expect(await target.get('cut')).toBe(false);
  await target.close();
});

test('what was refused for its size once is not sent again', async () => {
  const values = new Map<string, Buffer>();
  const target = createHttpTarget(await startCache(values), 'test', async () => undefined);
  expect(await target.set('large', VALUE_BYTES_MAX + 5)).toBe('too-large');
  server?.close();
  expect(await target.set('large', VALUE_BYTES_MAX + 6)).toBe('too-large');
  await target.close();
});

test('a connection that the server closed while idle is replaced', async () => {
  const target = createHttpTarget(await startCache(new Map()), 'test', async () => undefined);
  await target.set('a', 5);
  server?.closeAllConnections();
  expect(await target.get('a')).toBe(true);
  await target.close();
});

test('a server that is not there is an error that names it', async () => {
  const base = await startCache(new Map());
  const target = createHttpTarget(base, 'test', async () => undefined);
  const closed = server === undefined ? undefined : once(server, 'close');
  server?.close();
  await closed;
  await expect(target.get('a')).rejects.toThrow(`the server at ${base.origin} does not answer`);
  await target.close();
});
