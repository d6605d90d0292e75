import { beforeAll, describe, expect, test } from 'vitest';
import type { CacheClient } from '../../src/client/client.js';
import {
  openEngine,
  serveStore,
  TRANSPORT_KINDS,
  type TransportKind,
} from '../server/support/test-service.js';
import { openClient } from './support/open-client.js';

const JSON_VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1.5,
  1e300,
  Number.MAX_SAFE_INTEGER,
  '',
  'text',
  'ünï\u0000\ud83d\ude00"\\',
  [],
  [1, [2, [3, null]]],
  {},
  { a: { b: [{ c: 'd' }] }, 'key with spaces': 1 },
];
/** MessagePack of the packer that both sides use has another name for this member. */
const JSON_ALONE: readonly unknown[] = [JSON.parse('{"__proto__":{"polluted":true}}')];
const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, index) => index);
const BYTES: readonly Uint8Array[] = [new Uint8Array(0), Uint8Array.of(0), ALL_BYTES];
const LARGE = ['x'.repeat(400_000), new Uint8Array(400_000).fill(7)];
const KEYS = ['plain', 'with/slash', 'ünï', '.', '..', '%2F', 'a b?c#d', '\u0001', '"'];
const WAYS = ['socket', 'http'] as const;
const CODECS = ['json', 'msgpack'] as const;
const CASES = TRANSPORT_KINDS.flatMap((kind) =>
  WAYS.flatMap((way) => CODECS.map((codec) => ({ kind, way, codec }))),
);

const urls = new Map<TransportKind, string>();

beforeAll(async () => {
  for (const kind of TRANSPORT_KINDS) {
    const { url } = await serveStore(await openEngine(), {}, undefined, kind);
    urls.set(kind, url);
  }
});

/** Element by element, large arrays take seconds to compare. */
function comparable(value: unknown): unknown {
  return value instanceof Uint8Array ? { bytes: Buffer.from(value).toString('base64') } : value;
}

/** Texts that MessagePack, or the packer of both sides, would give back changed. */
const TEXTS_OF_JSON_ALONE = [
  '{"n":123456789012345678901234567890}',
  '0.10000000000000000555111512',
];

test.each(TRANSPORT_KINDS.flatMap((kind) => WAYS.map((way) => ({ kind, way }))))(
  'what only JSON carries is read as JSON by a client of MessagePack: $way on $kind',
  async ({ kind, way }) => {
    const url = urls.get(kind) ?? '';
    const webSocket = { kind: way === 'socket' ? 'on' : 'off' } as const;
    const client = openClient({ url, codec: 'msgpack', webSocket });
    for (const text of TEXTS_OF_JSON_ALONE) {
      const headers = { 'Content-Type': 'application/json' };
      await fetch(`${url}/cache/exact`, { method: 'PUT', headers, body: text });
      expect(await client.get('exact')).toEqual(JSON.parse(text));
    }
  },
);

describe.each(CASES)('over $way on $kind in $codec', ({ kind, way, codec }) => {
  const open = (): CacheClient =>
    openClient({
      url: urls.get(kind) ?? '',
      codec,
      webSocket: { kind: way === 'socket' ? 'on' : 'off' },
    });

  test.each(['', 'named'])('values come back as they were, in namespace "%s"', async (name) => {
    const client = open().namespace(name);
    const isNarrow = way === 'http' && codec === 'msgpack' && name !== '';
    const json = codec === 'json' ? [...JSON_VALUES, ...JSON_ALONE] : JSON_VALUES;
    const values = isNarrow ? BYTES : [...json, ...BYTES, ...LARGE];
    for (const value of values) {
      expect(await client.set('k', value)).toBe(true);
      expect(comparable(await client.get('k'))).toEqual(comparable(value));
      const [first, none, second] = await client.getMany(['k', 'absent', 'k']);
      expect([first, none, second].map(comparable)).toEqual(
        [value, undefined, value].map(comparable),
      );
    }
    await client.setMany(values.map((value, index) => [`many:${index}`, value]));
    const keys = values.map((_value, index) => `many:${index}`);
    expect((await client.getMany(keys)).map(comparable)).toEqual(values.map(comparable));
    expect(await client.deleteMany([...keys, 'absent'])).toBe(keys.length);
  });

  test('any text is a key, and the answers of writes say what they did', async () => {
    const client = open();
    // A path cannot hold dots alone, and the batch, where they can stand, is JSON.
    const isNarrow = way === 'http' && codec === 'msgpack';
    for (const key of isNarrow ? KEYS.filter((text) => !/^\.+$/.test(text)) : KEYS) {
      await client.set(key, key);
      expect(await client.get(key), key).toBe(key);
      expect(await client.has(key), key).toBe(true);
      expect(await client.delete(key), key).toBe(true);
      expect(await client.delete(key), key).toBe(false);
    }
    expect(await client.set('c', 1, { only: 'present' })).toBe(false);
    expect(await client.set('c', 1, { only: 'absent' })).toBe(true);
    expect(await client.set('c', 2, { only: 'absent' })).toBe(false);
    expect(await client.set('c', 3, { only: 'present' })).toBe(true);
    expect(await client.get('c')).toBe(3);
    expect(await client.touch('c', '5m')).toBe(true);
    const { ttlMs } = await client.getWithMeta('c');
    expect(ttlMs).toBeGreaterThan(299_000);
    expect(ttlMs).toBeLessThanOrEqual(300_000);
    expect(await client.touch('c', 'never')).toBe(true);
    expect(await client.getWithMeta('c')).toMatchObject({ ttlMs: Number.POSITIVE_INFINITY });
    expect(await client.touch('absent', '5m')).toBe(false);
    await client.set('c', 1, { ttl: 1_000 });
    const short = await client.getWithMeta('c');
    expect(short.ttlMs).toBeLessThanOrEqual(1_000);
  });

  test('entries go by prefix, by glob, by tag and by key', async () => {
    const client = open();
    // A tag with a comma cannot stand in a header.
    const odd = way === 'http' && codec === 'msgpack' ? 'blue' : 'blue, and gr\u00fcn';
    const tags = ['red', odd];
    const fill = (): Promise<void> =>
      client.setMany(
        ['a:1', 'a:2', 'b:1'].map((key) => [key, key]),
        { tags },
      );
    const left = (): Promise<unknown[]> => client.getMany(['a:1', 'a:2', 'b:1']);
    const nothing = undefined;
    await fill();
    expect(await client.invalidate({ prefix: 'a:' })).toBe(2);
    expect(await left()).toEqual([nothing, nothing, 'b:1']);
    await fill();
    expect(await client.invalidate({ glob: '?:1' })).toBe(2);
    expect(await left()).toEqual([nothing, 'a:2', nothing]);
    await fill();
    expect(await client.invalidate({ tag: 'red' })).toBe(3);
    await fill();
    expect(await client.invalidate({ tag: odd })).toBe(3);
    await fill();
    expect(await client.invalidate({ keys: ['a:1', 'absent'] })).toBe(1);
    expect(await client.invalidate({ glob: '*', confirm: true })).toBeGreaterThanOrEqual(2);
  });
});
