import { brotliCompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { compressSync, uncompressSync } from 'lz4-napi';
import { Packr } from 'msgpackr';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/index.js';
import { RawConnection } from './support/raw-connection.js';
import {
  openEngine,
  serveStore,
  type TestService,
  VALUE_BYTES_MAX,
} from './support/test-service.js';

const packr = new Packr({ useRecords: false });
const DOCUMENT = { name: 'Ada', tags: ['x', 'y'], count: 3 };

let engine: Engine;
let service: TestService;

beforeAll(async () => {
  engine = await openEngine();
  service = await serveStore(engine);
});

async function put(
  key: string,
  body: Uint8Array | string,
  headers: Record<string, string>,
): Promise<number> {
  const address = `${service.url}/cache/${key}`;
  const response = await fetch(address, { method: 'PUT', body: Buffer.from(body), headers });
  await response.arrayBuffer();
  return response.status;
}

interface Found {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** The answer as it is on the wire: `fetch` would decompress it. */
async function read(key: string, headers: readonly string[] = []): Promise<Found> {
  const connection = await RawConnection.open(service.port);
  const lines = [`GET /cache/${key} HTTP/1.1`, 'Host: a', ...headers, '', ''];
  connection.write(lines.join('\r\n'));
  const response = await connection.nextResponse();
  connection.destroy();
  if (response === undefined) throw new Error('the service did not answer');
  return response;
}

describe('values in other formats', () => {
  test('MessagePack that was stored is read as JSON, and the reverse', async () => {
    const packed = packr.pack(DOCUMENT);
    expect(await put('packed', packed, { 'content-type': 'application/msgpack' })).toBe(201);
    const asJson = await read('packed', ['Accept: application/json']);
    expect(asJson.headers.get('content-type')).toBe('application/json');
    expect(JSON.parse(asJson.body.toString())).toEqual(DOCUMENT);
    expect(Buffer.compare((await read('packed')).body, packed)).toBe(0);
    const text = JSON.stringify(DOCUMENT);
    expect(await put('text', text, { 'content-type': 'application/json' })).toBe(201);
    const asPacked = await read('text', ['Accept: application/msgpack']);
    expect(asPacked.headers.get('content-type')).toBe('application/msgpack');
    expect(packr.unpack(asPacked.body)).toEqual(DOCUMENT);
    const preferred = 'Accept: application/json, text/plain, */*';
    expect((await read('text', [preferred])).body.toString()).toBe(text);
  });

  test('each form has a tag of its own', async () => {
    await put('tagged', '{"a":1}', { 'content-type': 'application/json' });
    const stored = (await read('tagged')).headers.get('etag');
    const packed = (await read('tagged', ['Accept: application/msgpack'])).headers.get('etag');
    expect(stored).toBeDefined();
    expect(packed).toBeDefined();
    expect(packed).not.toBe(stored);
  });

  test('H29 what would be changed is refused, and given as it was stored', async () => {
    await put('huge', '[1e400]', { 'content-type': 'application/json' });
    const refused = await read('huge', ['Accept: application/msgpack']);
    expect(refused.status).toBe(406);
    expect(JSON.parse(refused.body.toString()).error.code).toBe('ERR_HTTP_NOT_ACCEPTABLE');
    expect((await read('huge')).body.toString()).toBe('[1e400]');
  });

  test('what has no other form goes as it is', async () => {
    await put('image', 'x', { 'content-type': 'image/png' });
    const found = await read('image', ['Accept: application/json']);
    expect(found.status).toBe(200);
    expect(found.headers.get('content-type')).toBe('image/png');
  });

  test('H27 malformed bodies are refused and nothing is stored', async () => {
    expect(await put('broken', '{', { 'content-type': 'application/json' })).toBe(400);
    const truncated = Buffer.from([0x92, 0x01]);
    expect(await put('broken', truncated, { 'content-type': 'application/msgpack' })).toBe(400);
    const message = 'application/x-protobuf; messageType=a.B';
    expect(await put('broken', 'x', { 'content-type': message })).toBe(415);
    expect(engine.has('broken')).toBe(false);
  });
});

describe('values in codings', () => {
  const text = 'a line of text\n'.repeat(1_000);

  test('gzip goes out as it came to clients that take it, decompressed to others', async () => {
    const body = gzipSync(text);
    const headers = { 'content-type': 'text/plain', 'content-encoding': 'gzip' };
    expect(await put('zipped', body, headers)).toBe(201);
    const coded = await read('zipped', ['Accept-Encoding: gzip, br']);
    expect(coded.headers.get('content-encoding')).toBe('gzip');
    expect(gunzipSync(coded.body).toString()).toBe(text);
    expect(Buffer.compare(coded.body, body)).toBe(0);
    const decoded = await read('zipped');
    expect(decoded.headers.get('content-encoding')).toBeUndefined();
    expect(decoded.headers.get('vary')?.toLowerCase()).toContain('accept-encoding');
    expect(decoded.body.toString()).toBe(text);
    const neither = await read('zipped', ['Accept-Encoding: identity;q=0']);
    expect(neither.status).toBe(406);
  });

  test('large values are stored as LZ4 and read as they were sent', async () => {
    expect(await put('large', text, { 'content-type': 'text/plain' })).toBe(201);
    expect(engine.getBytes('large')?.length).toBeLessThan(text.length / 2);
    const found = await read('large');
    expect(found.headers.get('content-type')).toBe('text/plain');
    expect(found.body.toString()).toBe(text);
    const coded = await read('large', ['Accept-Encoding: lz4']);
    expect(coded.headers.get('content-encoding')).toBe('lz4');
    expect(uncompressSync(coded.body).toString()).toBe(text);
    const sent = { 'content-type': 'text/plain', 'content-encoding': 'lz4' };
    expect(await put('sent', coded.body, sent)).toBe(201);
    expect((await read('sent')).body.toString()).toBe(text);
  });

  test('H31 H32 bombs and lies are refused and nothing is stored', async () => {
    const zeros = Buffer.alloc(100 * VALUE_BYTES_MAX);
    expect(await put('bomb', gzipSync(zeros), { 'content-encoding': 'gzip' })).toBe(413);
    expect(await put('bomb', brotliCompressSync(zeros), { 'content-encoding': 'br' })).toBe(413);
    const lie = Buffer.from('ffffff7f00', 'hex');
    expect(await put('bomb', lie, { 'content-encoding': 'lz4' })).toBe(400);
    const tooLarge = compressSync(Buffer.alloc(VALUE_BYTES_MAX + 1));
    expect(await put('bomb', tooLarge, { 'content-encoding': 'lz4' })).toBe(413);
    expect(await put('bomb', 'no gzip', { 'content-encoding': 'gzip' })).toBe(400);
    expect(engine.has('bomb')).toBe(false);
    expect(service.faults).toEqual([]);
  });

  test('JSON that is stored compressed is given as MessagePack', async () => {
    const document = JSON.stringify({ text });
    await put('converted', document, { 'content-type': 'application/json' });
    const packed = await read('converted', ['Accept: application/msgpack', 'Accept-Encoding: lz4']);
    expect(packed.headers.get('content-encoding')).toBeUndefined();
    expect(packr.unpack(packed.body)).toEqual({ text });
  });
});
