import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Codec,
  ENCODING_ASCII_JSON,
  ENCODING_ASCII_TEXT,
  ENCODING_BYTES,
  ENCODING_JSON,
  ENCODING_MSGPACK,
  ENCODING_TEXT,
  type Encoding,
} from '../../../../src/codec/codec.js';
import {
  codecOf,
  copyBytes,
  decodeEntry,
  encodeKind,
  encodePayload,
  settleEncoding,
  writeText,
} from '../../../../src/codec/entry-codec.js';
import { jsonCodec } from '../../../../src/codec/json.js';
import { msgpackCodec } from '../../../../src/codec/msgpack.js';
import { CacheError } from '../../../../src/errors.js';

const SEED = 0x5eed07;
const OFFSET = 40;
const memory = new WebAssembly.Memory({ initial: 32, maximum: 32, shared: true });
const shared = Buffer.from(memory.buffer);

interface Stored {
  readonly encoding: Encoding;
  readonly startByte: number;
  readonly endByte: number;
}

/** What the engine does with a value: encode, write into shared memory, settle the encoding. */
function store(value: unknown, codec: Codec): Stored {
  const kind = encodeKind(value, codec);
  const payload = encodePayload(value, codec);
  shared.fill(0xff, 0, 64 * 1_024);
  if (typeof payload !== 'string') {
    shared.set(payload, OFFSET);
    return { encoding: kind, startByte: OFFSET, endByte: OFFSET + payload.byteLength };
  }
  const written = writeText(payload, shared.subarray(OFFSET));
  expect(written).toBe(Buffer.byteLength(payload));
  const encoding = settleEncoding(kind, payload.length, written);
  return { encoding, startByte: OFFSET, endByte: OFFSET + written };
}

function load({ encoding, startByte, endByte }: Stored): unknown {
  return decodeEntry(encoding, shared, startByte, endByte);
}

function roundTrip(value: unknown, codec: Codec): unknown {
  return load(store(value, codec));
}

test('each kind of value gets its encoding', () => {
  const expected: readonly (readonly [unknown, Codec, Encoding])[] = [
    ['ascii', jsonCodec, ENCODING_ASCII_TEXT],
    ['ascii', msgpackCodec, ENCODING_ASCII_TEXT],
    ['', jsonCodec, ENCODING_ASCII_TEXT],
    ['é', jsonCodec, ENCODING_TEXT],
    ['\u0080', jsonCodec, ENCODING_TEXT],
    [{ a: 1 }, jsonCodec, ENCODING_ASCII_JSON],
    [{ a: 'é' }, jsonCodec, ENCODING_JSON],
    [{ a: 1 }, msgpackCodec, ENCODING_MSGPACK],
    [null, jsonCodec, ENCODING_ASCII_JSON],
    [new Uint8Array(3), jsonCodec, ENCODING_BYTES],
    [Buffer.from('x'), msgpackCodec, ENCODING_BYTES],
  ];
  for (const [value, codec, encoding] of expected) {
    expect(store(value, codec).encoding).toBe(encoding);
  }
  expect(codecOf('json')).toBe(jsonCodec);
  expect(codecOf('msgpack')).toBe(msgpackCodec);
});

test('JSON values come back', () => {
  const property = fc.property(fc.jsonValue(), (value) => {
    expect(roundTrip(value, jsonCodec)).toEqual(JSON.parse(JSON.stringify(value)));
  });
  fc.assert(property, { seed: SEED, numRuns: 300 });
});

test('MessagePack carries the same values, and more', () => {
  const property = fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
    // The parser renames this one key, and both -0 and 0 become 0.
    if (JSON.stringify(value).includes('__proto__')) return;
    expect(roundTrip(value, msgpackCodec)).toEqual(JSON.parse(JSON.stringify(value)));
  });
  fc.assert(property, { seed: SEED, numRuns: 200 });
  const more = {
    bytes: Buffer.from([1, 2, 3]),
    at: new Date(1_700_000_000_123),
    big: 2n ** 63n - 1n,
    nothing: undefined,
    notANumber: Number.NaN,
    deep: [[[[{}]]]],
  };
  expect(roundTrip(more, msgpackCodec)).toEqual(more);
  expect(roundTrip(5n, msgpackCodec)).toBe(5n);
});

test('strings come back, however they are made up', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 300 }));
  const property = fc.property(text, fc.boolean(), (value, isJson) => {
    if (Buffer.from(value).toString() !== value) return;
    expect(roundTrip(value, isJson ? jsonCodec : msgpackCodec)).toBe(value);
  });
  fc.assert(property, { seed: SEED, numRuns: 200 });
});

test('bytes come back as a copy outside shared memory', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 5_000 }), (value) => {
    const stored = store(value, jsonCodec);
    const bytes = load(stored) as Uint8Array;
    expect(bytes).toBeInstanceOf(Uint8Array);
    expect(bytes.buffer).toBeInstanceOf(ArrayBuffer);
    expect(Buffer.compare(bytes, value)).toBe(0);
    shared.fill(0);
    expect(Buffer.compare(bytes, value)).toBe(0);
  });
  fc.assert(property, { seed: SEED, numRuns: 200 });
  expect(copyBytes(shared, 5, 5).byteLength).toBe(0);
});

test('binary members of a MessagePack value do not refer to shared memory', () => {
  const stored = store({ bytes: Buffer.alloc(1_000, 7) }, msgpackCodec);
  const { bytes } = load(stored) as { bytes: Uint8Array };
  shared.fill(0);
  expect(bytes.every((byte) => byte === 7)).toBe(true);
});

test('a value whose object members are named like a prototype harms none', () => {
  const hostile: unknown = JSON.parse('{"__proto__": {"isAdmin": true}}');
  for (const codec of [jsonCodec, msgpackCodec]) {
    const value = roundTrip(hostile, codec) as { isAdmin?: boolean };
    expect(value.isAdmin).toBeUndefined();
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  }
});

function failureOf(action: () => unknown): CacheError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(CacheError);
    return error as CacheError;
  }
  return expect.unreachable('nothing was thrown');
}

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;
class Throwing {
  toJSON(): never {
    throw new Error('no JSON today');
  }
}
const throwing = new Throwing();

const refusedByBoth: readonly (readonly [unknown, RegExp])[] = [
  [undefined, /undefined/],
  [() => 0, /function/],
  [Symbol('x'), /symbol/],
  [Promise.resolve(1), /promise: await it/],
  [new Uint16Array(2), /Uint8Array/],
  [new ArrayBuffer(2), /Uint8Array/],
  [new SharedArrayBuffer(2), /Uint8Array/],
  [new DataView(new ArrayBuffer(2)), /Uint8Array/],
  [new WeakMap(), /weak collection/],
  [cyclic, /refers to itself/],
  ['\ud800', /well-formed/],
  [throwing, /no JSON today/],
];
const refusedByJson: readonly (readonly [unknown, RegExp])[] = [
  [5n, /BigInt/],
  [{ a: 5n }, /BigInt/],
  [Number.NaN, /NaN/],
  [Number.NEGATIVE_INFINITY, /Infinity/],
  [new Map([[1, 2]]), /Map or Set/],
  [new Set([1]), /Map or Set/],
  [{ toJSON: () => undefined }, /toJSON/],
];
const refusedByMsgpack: readonly (readonly [unknown, RegExp])[] = [
  [2n ** 64n, /too large/],
  [{ a: Symbol('x') }, /symbol/],
];

test('what a codec cannot carry is refused with the reason', () => {
  const cases = [
    ...refusedByBoth.map((one) => [jsonCodec, ...one] as const),
    ...refusedByBoth.map((one) => [msgpackCodec, ...one] as const),
    ...refusedByJson.map((one) => [jsonCodec, ...one] as const),
    ...refusedByMsgpack.map((one) => [msgpackCodec, ...one] as const),
  ];
  for (const [codec, value, reason] of cases) {
    const error = failureOf(() => encodePayload(value, codec));
    expect(error.code).toBe('ERR_CACHE_INVALID_VALUE');
    expect(error.message).toMatch(reason);
  }
  for (const codec of [jsonCodec, msgpackCodec]) {
    expect(roundTrip({ still: 'works' }, codec)).toEqual({ still: 'works' });
  }
});

test('what user code throws is kept as the cause', () => {
  for (const codec of [jsonCodec, msgpackCodec]) {
    const error = failureOf(() => encodePayload({ throwing }, codec));
    expect(error.cause).toMatchObject({ message: 'no JSON today' });
    const refusal = new CacheError('ERR_CACHE_CLOSED', 'get: the engine is closed');
    class Closed {
      toJSON(): never {
        throw refusal;
      }
    }
    expect(failureOf(() => encodePayload({ closed: new Closed() }, codec))).toBe(refusal);
  }
});

test('values nested without end are refused, not a crash', () => {
  let deep: unknown = 1;
  for (let level = 0; level < 200_000; level++) deep = [deep];
  for (const codec of [jsonCodec, msgpackCodec]) {
    const error = failureOf(() => encodePayload(deep, codec));
    expect(error.code).toBe('ERR_CACHE_INVALID_VALUE');
    expect(error.message).toContain('nested too deeply');
    expect(roundTrip([1], codec)).toEqual([1]);
  }
});

test('stored bytes that do not fit their encoding are an error with a code', () => {
  const broken: readonly (readonly [Encoding, Uint8Array])[] = [
    [ENCODING_JSON, Buffer.from('{"a":')],
    [ENCODING_ASCII_JSON, Buffer.from('')],
    [ENCODING_MSGPACK, Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])],
    [ENCODING_MSGPACK, Buffer.from([0xc1, 0xc1])],
    [ENCODING_MSGPACK, Buffer.alloc(0)],
    [ENCODING_MSGPACK, Buffer.alloc(500_000, 0x91)],
    [77 as Encoding, Buffer.from('x')],
  ];
  for (const [encoding, bytes] of broken) {
    shared.set(bytes, OFFSET);
    const error = failureOf(() => decodeEntry(encoding, shared, OFFSET, OFFSET + bytes.byteLength));
    expect(error.code).toBe('ERR_CACHE_INVALID_VALUE');
  }
  expect(roundTrip([1], msgpackCodec)).toEqual([1]);
});

test('random bytes decode to something or to an error with a code', () => {
  const encodings = fc.integer({ min: 0, max: 6 });
  const property = fc.property(encodings, fc.uint8Array({ maxLength: 64 }), (encoding, bytes) => {
    shared.set(bytes, OFFSET);
    try {
      decodeEntry(encoding, shared, OFFSET, OFFSET + bytes.byteLength);
    } catch (error) {
      expect(error).toBeInstanceOf(CacheError);
    }
  });
  fc.assert(property, { seed: SEED, numRuns: 2_000 });
});

test('text is written whole or not at all', () => {
  const target = new Uint8Array(new SharedArrayBuffer(8));
  expect(writeText('12345678', target)).toBe(8);
  expect(writeText('123456789', target)).toBe(-1);
  expect(writeText('€€€', target)).toBe(-1);
  expect(writeText('€€', target)).toBe(6);
  expect(writeText('', target.subarray(0, 0))).toBe(0);
});

test('user code inside a value may use the codec again', () => {
  for (const codec of [jsonCodec, msgpackCodec]) {
    class Nested {
      toJSON(): unknown {
        const inner = encodePayload({ large: 'x'.repeat(300_000) }, codec);
        return { innerLength: inner.length };
      }
    }
    const before = { first: 'a'.repeat(100), nested: new Nested(), last: 'z'.repeat(100) };
    const { nested } = roundTrip(before, codec) as { nested: { innerLength: number } };
    expect(nested.innerLength).toBeGreaterThan(300_000);
    expect(roundTrip(before, codec)).toMatchObject({ first: before.first, last: before.last });
  }
});

test('payloads stay as they are while others are encoded', () => {
  const payloads: [Uint8Array, unknown][] = [];
  for (let index = 0; index < 200; index++) {
    const value = { index, text: 'v'.repeat(index * index * 10) };
    payloads.push([encodePayload(value, msgpackCodec) as Uint8Array, value]);
  }
  for (const [payload, value] of payloads) {
    const bytes = Buffer.from(payload);
    expect(decodeEntry(ENCODING_MSGPACK, bytes, 0, bytes.byteLength)).toEqual(value);
  }
});

test('a large value does not leave its buffer behind', async () => {
  const large = encodePayload({ text: 'x'.repeat(5_000_000) }, msgpackCodec) as Uint8Array;
  await Promise.resolve();
  const small = encodePayload({ a: 1 }, msgpackCodec) as Uint8Array;
  expect(large.byteLength).toBeGreaterThan(5_000_000);
  expect(small.buffer.byteLength).toBeLessThan(100_000);
});

test('bytes of another context are bytes too', () => {
  const foreign: unknown = runInNewContext('new Uint8Array([1, 2, 3])');
  expect(foreign instanceof Uint8Array).toBe(false);
  expect(encodeKind(foreign, jsonCodec)).toBe(ENCODING_BYTES);
  expect(Buffer.from(roundTrip(foreign, jsonCodec) as Uint8Array)).toEqual(Buffer.from([1, 2, 3]));
});
