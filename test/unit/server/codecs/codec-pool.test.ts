import { gzipSync } from 'node:zlib';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import type { ServiceCodec } from '../../../../server/codecs/value-codec.js';
import { RequestError } from '../../../../server/error-table.js';
import { createPrng, seedFromEnvironment } from '../../../support/prng.js';
import { admit, bytesOf, openCodec, present, refusalOf, textOf } from './codec-rig.js';

const MIB = 1_024 ** 2;
const JSON_TYPE = 'application/json';
const MESSAGE_PACK_TYPE = 'application/msgpack';
const packr = new Packr({ useRecords: false });
const seed = seedFromEnvironment();

/** Values above 4 KiB go to the pool. */
async function openPooled(valueBytesMax: number = 16 * MIB): Promise<ServiceCodec> {
  return openCodec({
    valueBytesMax,
    compression: {
      kind: 'lz4',
      thresholdBytes: 1_024,
      poolThresholdBytes: 4_096,
      poolThreadCount: 2,
    },
  });
}

/** Bytes that LZ4 makes smaller, but not small. */
function mixedBytes(byteCount: number): Buffer {
  const random = createPrng(seed);
  const bytes = Buffer.alloc(byteCount);
  for (let index = 0; index < byteCount / 2; index++) bytes[index] = random.nextBelow(256);
  return bytes;
}

describe('large values', () => {
  test('need no thread before the first of them comes', async () => {
    const codec = await openPooled();
    await admit(codec, bytesOf('[1]'), JSON_TYPE);
    await admit(codec, Buffer.alloc(4_096, 'a'), 'text/plain');
    expect(codec.poolThreadCount).toBe(0);
    await admit(codec, Buffer.alloc(4_097, 'a'), 'text/plain');
    expect(codec.poolThreadCount).toBeGreaterThan(0);
    await codec.close();
    expect(codec.poolThreadCount).toBe(0);
  });

  test('come back as small ones do, in every form', async () => {
    const codec = await openPooled();
    const document = { items: Array.from({ length: 5_000 }, (_, index) => ({ index, text: 'x' })) };
    const json = bytesOf(JSON.stringify(document));
    const stored = await admit(codec, json, JSON_TYPE);
    expect(stored.storedType).toBe('lz4:application/json');
    expect(textOf((await present(codec, stored)).bytes)).toBe(textOf(json));
    expect(textOf((await codec.toJson(stored)).text)).toBe(textOf(json));
    const packed = await present(codec, stored, MESSAGE_PACK_TYPE);
    expect(packr.unpack(packed.bytes)).toEqual(document);
    const back = await admit(codec, packed.bytes, MESSAGE_PACK_TYPE);
    expect(back.storedType).toBe('lz4:application/msgpack');
    expect(textOf((await present(codec, back, JSON_TYPE)).bytes)).toBe(textOf(json));
    const zipped = await admit(codec, gzipSync(json), JSON_TYPE, 'gzip');
    const unpacked = await present(codec, zipped, MESSAGE_PACK_TYPE);
    expect(packr.unpack(unpacked.bytes)).toEqual(document);
    const bytes = mixedBytes(MIB + 7);
    const raw = await admit(codec, bytes, 'image/bmp');
    expect(raw.storedType).toBe('lz4:image/bmp');
    expect(Buffer.compare((await present(codec, raw)).bytes, bytes)).toBe(0);
  });

  test('are refused as small ones are', async () => {
    const codec = await openPooled();
    const json = bytesOf(`[${'1,'.repeat(4_000)}]`);
    await expect(admit(codec, json, JSON_TYPE)).rejects.toThrow(RequestError);
    await expect(admit(codec, json, JSON_TYPE)).rejects.toThrow(/byte 8001/);
    const inexact = await admit(codec, bytesOf(`[${'1e400,'.repeat(4_000)}1]`), JSON_TYPE);
    const code = await refusalOf(() => present(codec, inexact, MESSAGE_PACK_TYPE));
    expect(code).toBe('ERR_HTTP_NOT_ACCEPTABLE');
    const asJson = await present(codec, inexact, `${MESSAGE_PACK_TYPE}, */*;q=0.1`);
    expect(asJson.contentType).toBe(JSON_TYPE);
    expect(JSON.parse(textOf(asJson.bytes))).toHaveLength(4_001);
  });

  test('may be in memory that is shared, and is used for something else at once', async () => {
    const codec = await openPooled();
    const memory = new Uint8Array(new SharedArrayBuffer(64 * 1_024));
    const text = bytesOf(JSON.stringify(Array.from({ length: 2_000 }, (_, index) => index)));
    for (const coding of ['identity', 'gzip']) {
      const bytes = coding === 'gzip' ? gzipSync(text) : text;
      const view = memory.subarray(5, 5 + bytes.length);
      view.set(bytes);
      const storedType = coding === 'gzip' ? 'gzip:application/json' : JSON_TYPE;
      const pending = present(codec, { bytes: view, storedType }, MESSAGE_PACK_TYPE);
      memory.fill(0xff);
      expect(packr.unpack((await pending).bytes), coding).toEqual(JSON.parse(textOf(text)));
    }
    const value = { bytes: bytesOf('x'.repeat(5_000)), storedType: 'text/plain' };
    await codec.toJson(value);
    expect(value.bytes.length).toBe(5_000);
  });

  test('leave the event loop free', async () => {
    const codec = await openPooled();
    // The thread is there, so that only the work is counted.
    await admit(codec, mixedBytes(8_192));
    let turnCount = 0;
    let isDone = false;
    const turn = (): void => {
      turnCount += 1;
      if (!isDone) setImmediate(turn);
    };
    const pending = admit(codec, mixedBytes(16 * MIB));
    setImmediate(turn);
    await pending;
    isDone = true;
    // Done on the event loop, the work would be over before its first turn.
    expect(turnCount).toBeGreaterThan(10);
  });

  test('that are too many at once are refused, and the others are not', async () => {
    const codec = await openPooled(MIB);
    const bytes = mixedBytes(MIB);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => refusalOf(() => admit(codec, bytes))),
    );
    expect(outcomes.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => 'none'));
    expect(new Set(outcomes.slice(8))).toEqual(new Set(['ERR_CACHE_OVERLOADED']));
    // What was taken is given back.
    expect(await refusalOf(() => admit(codec, bytes))).toBe('none');
  });

  test('are refused once the codec closes, also those that wait', async () => {
    const codec = await openPooled();
    const pending = Array.from({ length: 4 }, () =>
      refusalOf(() => admit(codec, mixedBytes(2 * MIB))),
    );
    await codec.close();
    const outcomes = await Promise.all(pending);
    expect(outcomes).toContain('ERR_CACHE_CLOSED');
    for (const outcome of outcomes) expect(['none', 'ERR_CACHE_CLOSED']).toContain(outcome);
    expect(await refusalOf(() => admit(codec, mixedBytes(MIB)))).toBe('ERR_CACHE_CLOSED');
  });
});

describe('values that are being decoded', () => {
  test('wait for each other, and too many are refused', async () => {
    const codec = await openCodec();
    const body = gzipSync(Buffer.alloc(512 * 1_024));
    const outcomes = await Promise.all(
      Array.from({ length: 300 }, () => refusalOf(() => admit(codec, body, 'image/bmp', 'gzip'))),
    );
    // Four at once, and 256 that wait.
    expect(outcomes.filter((outcome) => outcome === 'none')).toHaveLength(260);
    expect(outcomes.filter((outcome) => outcome === 'ERR_CACHE_OVERLOADED')).toHaveLength(40);
    expect(await refusalOf(() => admit(codec, body, 'image/bmp', 'gzip'))).toBe('none');
  });
});
