import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { compressSync, uncompressSync } from 'lz4-napi';
import { Packr } from 'msgpackr';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseMediaType } from '../../../../server/codecs/media-type.js';
import { parseQualityList, QUALITY_ITEMS_MAX } from '../../../../server/codecs/quality-list.js';
import type { PresentedValue } from '../../../../server/codecs/stored-value.js';
import type { ServiceCodec } from '../../../../server/codecs/value-codec.js';
import { seedFromEnvironment } from '../../../support/prng.js';
import { scaled } from '../../../support/scale.js';
import { admit, bytesOf, openCodec, present, refusalOf, textOf } from './codec-rig.js';

const seed = seedFromEnvironment();
// Maps, because a member may have the name `__proto__`.
const packr = new Packr({ useRecords: false, mapsAsObjects: false });
const JSON_TYPE = 'application/json';
const MESSAGE_PACK_TYPE = 'application/msgpack';

const ENCODERS = {
  identity: (bytes: Uint8Array) => bytes,
  gzip: (bytes: Uint8Array) => gzipSync(bytes),
  br: (bytes: Uint8Array) => brotliCompressSync(bytes),
  lz4: (bytes: Uint8Array) => compressSync(Buffer.from(bytes)),
} as const;
const DECODERS: ReadonlyMap<string, (bytes: Uint8Array) => Uint8Array> = new Map([
  ['gzip', (bytes) => gunzipSync(bytes)],
  ['br', (bytes) => brotliDecompressSync(bytes)],
  ['lz4', (bytes) => uncompressSync(bytes)],
]);

const coding = fc.constantFrom(...(Object.keys(ENCODERS) as (keyof typeof ENCODERS)[]));
const wishes = fc.array(fc.constantFrom('gzip', 'br', 'lz4', 'gzip;q=0', '*', 'identity;q=0.5'));
/** Short and long, with and without repetition. */
const anyBytes = fc
  .tuple(fc.uint8Array({ maxLength: 600 }), fc.integer({ min: 1, max: 20 }))
  .map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes)));

let codec: ServiceCodec;
beforeAll(async () => {
  codec = await openCodec();
});

/** What a client has that undoes the coding. */
function received({ bytes, contentEncoding }: PresentedValue, wish: string): Uint8Array {
  if (contentEncoding === undefined) return bytes;
  expect(wish).toMatch(/gzip|br|lz4|\*/);
  return DECODERS.get(contentEncoding)?.(bytes) ?? expect.fail(`the coding ${contentEncoding}`);
}

describe('values come back', () => {
  test('any bytes, sent and read in any coding', async () => {
    const types = fc.constantFrom(undefined, 'image/png', 'text/plain', 'application/x-protobuf');
    const property = fc.asyncProperty(anyBytes, types, coding, wishes, async (...given) => {
      const [bytes, type, sentCoding, accepted] = given;
      const stored = await admit(codec, ENCODERS[sentCoding](bytes), type, sentCoding);
      const wish = accepted.join(', ');
      const presented = await present(codec, stored, '', wish);
      expect(presented.contentType).toBe(type ?? 'application/octet-stream');
      expect(Buffer.compare(received(presented, wish), bytes)).toBe(0);
      const member = await codec.toJson(stored);
      const value: unknown = JSON.parse(textOf(member.text));
      const back = Buffer.from(String(value), member.isBase64 ? 'base64' : 'utf8');
      expect(Buffer.compare(back, bytes)).toBe(0);
    });
    await fc.assert(property, { seed, numRuns: scaled(300) });
  });

  test('any JSON, sent as JSON or MessagePack in any coding, read as either', async () => {
    const forms = fc.constantFrom(JSON_TYPE, MESSAGE_PACK_TYPE);
    const documents = fc.tuple(fc.jsonValue(), fc.integer({ min: 1, max: 30 }));
    const property = fc.asyncProperty(documents, forms, forms, coding, async (...given) => {
      const [[item, times], sentType, askedType, sentCoding] = given;
      const value: unknown = JSON.parse(JSON.stringify(Array.from({ length: times }, () => item)));
      const body = sentType === JSON_TYPE ? bytesOf(JSON.stringify(value)) : packr.pack(value);
      const stored = await admit(codec, ENCODERS[sentCoding](body), sentType, sentCoding);
      const presented = await present(codec, stored, `${askedType}, */*;q=0.1`);
      expect(presented.contentType).toBe(askedType);
      const back: unknown =
        askedType === JSON_TYPE
          ? JSON.parse(textOf(presented.bytes))
          : plainValue(packr.unpack(presented.bytes));
      expect(back).toEqual(value);
      const member = await codec.toJson(stored);
      expect(JSON.parse(textOf(member.text))).toEqual(value);
    });
    await fc.assert(property, { seed, numRuns: scaled(300) });
  });
});

describe('bytes that were changed', () => {
  test('in any coding, are refused or stored as what they are', async () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    const property = fc.asyncProperty(anyBytes, coding, changes, fc.nat(), async (...given) => {
      const [bytes, sentCoding, list, cut] = given;
      const encoded = Buffer.from(ENCODERS[sentCoding](bytes));
      const body = cut % 4 === 0 ? encoded.subarray(0, cut % (encoded.length + 1)) : encoded;
      for (const [at, byte] of list) if (body.length > 0) body[at % body.length] = byte;
      const code = await refusalOf(() => admit(codec, body, 'image/png', sentCoding));
      if (code !== 'none') {
        expect(['ERR_HTTP_MALFORMED_BODY', 'ERR_CACHE_VALUE_TOO_LARGE']).toContain(code);
        return;
      }
      const stored = await admit(codec, body, 'image/png', sentCoding);
      const decode = DECODERS.get(sentCoding);
      const presented = await present(codec, stored);
      expect(Buffer.compare(presented.bytes, decode?.(body) ?? body)).toBe(0);
    });
    await fc.assert(property, { seed, numRuns: scaled(1_000) });
  });
});

describe('headers of any text', () => {
  const pieces = fc.constantFrom(
    ...['application/json', 'text/*', '*/*', 'gzip', ';q=0', ';q=1.000', ';Q=0.5', ';a="b,;\\""'],
    ...[',', ';', '=', '"', '\\', ' ', 'q', '0', '*', '/', 'é', '\u0000'],
  );
  const texts = fc.oneof(
    fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join('')),
    fc.string({ maxLength: 2_000 }),
  );

  test('are read within bounds', () => {
    const property = fc.property(texts, (text) => {
      const items = parseQualityList(text);
      expect(items.length).toBeLessThanOrEqual(QUALITY_ITEMS_MAX);
      for (const { quality } of items) expect(quality >= 0 && quality <= 1_000).toBe(true);
    });
    fc.assert(property, { seed, numRuns: scaled(2_000) });
    const many = parseQualityList('a,'.repeat(500));
    expect(many).toHaveLength(QUALITY_ITEMS_MAX);
    expect(parseQualityList('a, '.repeat(400))).toEqual([]);
    expect(parseQualityList(' text/HTML;level=1; q=0.25 ,, b;q=2, c;q=-1, d;q=0.1234')).toEqual([
      { name: 'text/html', quality: 250 },
    ]);
  });

  test('never make a value unreadable, but for a refusal', async () => {
    const stored = await admit(codec, bytesOf('{"a":1}'), JSON_TYPE);
    const property = fc.asyncProperty(texts, texts, async (accept, acceptEncoding) => {
      const presented = await present(codec, stored, accept, acceptEncoding);
      const sent = codec.asStored(JSON_TYPE, accept, acceptEncoding);
      if (sent !== undefined) expect(presented).toEqual({ ...sent, bytes: stored.bytes });
      else expect(plainValue(packr.unpack(presented.bytes))).toEqual({ a: 1 });
    });
    await fc.assert(property, { seed, numRuns: scaled(500) });
  });

  test('are media types only where nothing else could be meant', () => {
    const property = fc.property(texts, (text) => {
      const type = parseMediaType(text);
      if (type === undefined) return;
      expect(text.length).toBeLessThanOrEqual(100);
      expect(text).toMatch(/^[\x20-\x7e]+$/);
      expect(type.essence).toMatch(/^[^\s/;:]+\/[^\s/;:]+$/);
    });
    fc.assert(property, { seed, numRuns: scaled(2_000) });
  });
});

/** Decoded MessagePack as `JSON.parse` gives it. */
function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plainValue);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries(Array.from(value, ([name, item]) => [name, plainValue(item)]));
}
