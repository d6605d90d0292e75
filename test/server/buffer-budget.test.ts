/** Whatever clients do, the bytes that requests and replies hold are given back. */
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { compressSync } from 'lz4-napi';
import { describe, expect, test } from 'vitest';
import { createPrng, type Prng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { RawConnection, requestText } from './support/raw-connection.js';
import {
  openEngine,
  serveStore,
  type TestService,
  TRANSPORT_KINDS,
} from './support/test-service.js';

const VALUE_BYTES_MAX = 256 * 1_024;
/** Less than the clients below ask for together, so that refusals for want of it come too. */
const BUFFER_BYTES = 3 * VALUE_BYTES_MAX;
const CLIENTS = 8;
const REQUESTS = 120;
const JSON_TYPE = 'Content-Type: application/json';
const JSON_TARGETS = [
  'PUT /api/cache/a',
  'PUT /api/v1/cache/n/a',
  'POST /cache/batch/set',
  'POST /cache/batch/get',
  'POST /cache/batch/delete',
  'POST /api/v1/cache/n/batch/set',
  'POST /api/v1/cache/n/batch/get',
  'POST /api/cache/invalidate',
  'PATCH /cache/a',
];
const GETS = ['/cache/', '/api/cache/', '/api/v1/cache/n/'];
const ACCEPTS = ['*/*', 'application/json', 'application/msgpack', 'application/json;q=0, */*;q=0'];
const ACCEPT_ENCODINGS = ['', 'gzip, br, lz4', 'identity;q=0'];
const KEYS = ['a', 'b', 'c', 'none'];

function bodyOf(prng: Prng): Buffer {
  const size = prng.pick([0, 1, 900, 20_000, 70_000, VALUE_BYTES_MAX, VALUE_BYTES_MAX + 1]);
  switch (prng.nextBelow(3)) {
    case 0:
      return Buffer.alloc(size, 'x');
    case 1:
      return Buffer.from(JSON.stringify({ text: 'y'.repeat(Math.max(0, size - 11)) }));
    default:
      return Buffer.alloc(size, '[1e400,');
  }
}

function encode(body: Buffer, coding: string): Buffer {
  if (coding === 'gzip') return gzipSync(body);
  if (coding === 'br') return brotliCompressSync(body);
  return coding === 'lz4' && body.length > 0 ? compressSync(body) : body;
}

function put(prng: Prng): { head: string[]; line: string; body: Buffer } {
  const coding = prng.pick(['identity', 'gzip', 'br', 'lz4', 'zstd', 'gzip, br']);
  const type = prng.pick(['application/json', 'application/msgpack', 'text/plain', 'nonsense']);
  const body = encode(bodyOf(prng), prng.pick([coding, 'identity']));
  const extra = prng.pick([
    'X-Cache-TTL: 5',
    'X-Cache-TTL: 1.5',
    'X-Cache-Mode: NX',
    'If-Match: "0"',
    `X-Cache-Tags: ${'t'.repeat(300)}`,
  ]);
  const head = [`Content-Type: ${type}`, `Content-Encoding: ${coding}`, extra];
  return { line: `PUT /cache/${prng.pick(KEYS)}`, head, body };
}

function document(prng: Prng): { head: string[]; line: string; body: Buffer } {
  const value = 'z'.repeat(prng.pick([1, 5_000, 90_000, VALUE_BYTES_MAX]));
  const text = JSON.stringify(
    prng.pick<unknown>([
      { value },
      { value, encoding: 'base64' },
      { value, ttl: 0 },
      {
        entries: [
          { key: 'a', value },
          { key: 'b', value },
        ],
      },
      { entries: { a: value, b: value } },
      { keys: ['a', 'b', 'c', 'a', 'b', 'c'] },
      { pattern: '*' },
      { tag: 't' },
      [value],
      { unknown: value },
    ]),
  );
  const body = Buffer.from(prng.nextBelow(6) === 0 ? text.slice(0, -1) : text);
  return { line: prng.pick(JSON_TARGETS), head: [JSON_TYPE], body };
}

/** Sends one request, whole or broken off; reads the answer, or part of it, or nothing. */
async function act(port: number, prng: Prng): Promise<void> {
  const connection = await RawConnection.open(port);
  if (prng.nextBelow(3) === 0) {
    const [accept, coding] = [prng.pick(ACCEPTS), prng.pick(ACCEPT_ENCODINGS)];
    const head = [`Accept: ${accept}`, `Accept-Encoding: ${coding}`];
    connection.write(requestText(`GET ${prng.pick(GETS)}${prng.pick(KEYS)}`, head));
  } else {
    const { line, head, body } = prng.nextBelow(2) === 0 ? put(prng) : document(prng);
    const isChunked = prng.nextBelow(3) === 0;
    const length = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
    connection.write(requestText(line, [...head, length]));
    const cut = prng.nextBelow(4) === 0 ? prng.nextBelow(body.length + 1) : body.length;
    const sent = body.subarray(0, cut);
    if (!isChunked) connection.write(sent);
    else if (sent.length > 0) {
      connection.write(`${sent.length.toString(16)}\r\n`);
      connection.write(sent);
      connection.write('\r\n');
    }
    if (isChunked && cut === body.length) connection.write('0\r\n\r\n');
    if (cut < body.length) {
      if (prng.nextBelow(2) === 0) await new Promise((resolve) => setImmediate(resolve));
      connection.destroy();
      return;
    }
  }
  if (prng.nextBelow(4) === 0) connection.stopReading();
  else if (prng.nextBelow(4) !== 0) await connection.nextResponse();
  connection.destroy();
}

async function hammer(service: TestService, seed: number): Promise<void> {
  const clients = Array.from({ length: CLIENTS }, async (_unused, index) => {
    const prng = createPrng(seed + index);
    for (let count = 0; count < scaled(REQUESTS); count++) await act(service.port, prng);
  });
  await Promise.all(clients);
}

describe.each(TRANSPORT_KINDS)('the buffer budget over %s', (kind) => {
  test('nothing stays taken after requests of all kinds, whole, wrong and broken off', async () => {
    const seed = seedFromEnvironment();
    const engine = await openEngine();
    const compression = {
      kind: 'lz4',
      thresholdBytes: 1_024,
      poolThresholdBytes: 64 * 1_024,
      poolThreadCount: 1,
    } as const;
    const settings = { valueBytesMax: VALUE_BYTES_MAX, compression };
    const service = await serveStore(engine, settings, BUFFER_BYTES, kind);
    const replay = replayCommand(seed, 'test/server/buffer-budget.test.ts');
    await hammer(service, seed);
    await expect.poll(() => service.budget.usedBytes, { message: replay, timeout: 20_000 }).toBe(0);
    expect(service.faults).toEqual([]);
    const health = await fetch(`${service.url}/health`);
    expect(health.status).toBe(200);
  }, 120_000);
});
