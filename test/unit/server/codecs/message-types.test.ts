import { writeFileSync } from 'node:fs';
import { fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MessageTypes, MessageTypesError } from '../../../../server/codecs/message-types.js';
import type { CodecSettings, ServiceCodec } from '../../../../server/codecs/value-codec.js';
import { seedFromEnvironment } from '../../../support/prng.js';
import { scaled } from '../../../support/scale.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { admit, hex, openCodec, present, refusalOf, textOf } from './codec-rig.js';
import { DESCRIPTOR_SET, messageType, registry } from './message-schema.js';

const seed = seedFromEnvironment();
const NODE_TYPE = 'application/x-protobuf; messageType=shop.Node';
const NOTE_TYPE = 'application/protobuf; messageType="old.Note"';
const JSON_TYPE = 'application/json';

function nodeOf(value: JsonValue): Uint8Array {
  return toBinary(
    messageType('shop.Node'),
    fromJson(messageType('shop.Node'), value, { registry }),
  );
}

async function openTypes(settings: Partial<CodecSettings> = {}): Promise<ServiceCodec> {
  using folder = temporaryFolder();
  const messageDescriptorsPath = folder.path('types.binpb');
  writeFileSync(messageDescriptorsPath, DESCRIPTOR_SET);
  // Read once, at the start.
  return await openCodec({ messageDescriptorsPath, ...settings });
}

const NODE = {
  name: 'a',
  child: { name: 'b' },
  children: [{}, { counts: [1, -2] }],
  big: '18446744073709551615',
  ratio: 0.5,
  data: 'AP8=',
  labels: { __proto__x: '1', y: '-9007199254740993' },
  color: 'RED',
  extra: { '@type': 'type.googleapis.com/shop.Node', name: 'inner' },
  tree: { list: [1, null, 'x'] },
  fixed: [1, 2],
};

describe('messages of Protocol Buffers', () => {
  test('are stored as they came, and given as JSON', async () => {
    const codec = await openTypes();
    const bytes = nodeOf(NODE);
    const stored = await admit(codec, bytes, NODE_TYPE);
    expect(stored).toEqual({ bytes, storedType: NODE_TYPE });
    expect((await present(codec, stored)).bytes).toBe(bytes);
    const presented = await present(codec, stored, JSON_TYPE);
    expect(presented.contentType).toBe(JSON_TYPE);
    expect(JSON.parse(textOf(presented.bytes))).toEqual(NODE);
    const member = await codec.toJson(stored);
    expect(member.isBase64).toBe(false);
    expect(JSON.parse(textOf(member.text))).toEqual(NODE);
    const packed = await present(codec, stored, 'application/msgpack');
    expect(packed).toMatchObject({ bytes, contentType: NODE_TYPE });
  });

  test('of a type that is not registered are refused, those without a type are bytes', async () => {
    for (const codec of [await openTypes(), await openCodec()]) {
      const type = 'application/x-protobuf; messageType=shop.Other';
      const code = await refusalOf(() => admit(codec, hex('0a0161'), type));
      expect(code).toBe('ERR_HTTP_UNSUPPORTED_MEDIA_TYPE');
      const bytes = hex('ffffff');
      const stored = await admit(codec, bytes, 'application/x-protobuf');
      expect((await present(codec, stored, JSON_TYPE)).bytes).toBe(bytes);
    }
  });

  test('of a type that is registered no more go out as they are', async () => {
    const codec = await openCodec();
    const stored = { bytes: hex('0a0161'), storedType: NODE_TYPE };
    expect((await present(codec, stored, JSON_TYPE)).bytes).toBe(stored.bytes);
    expect((await codec.toJson(stored)).isBase64).toBe(true);
  });

  test('that are malformed are refused', async () => {
    const codec = await openTypes();
    const nested = (depth: number): string => {
      let body = Buffer.alloc(0);
      for (let level = 1; level < depth; level++) {
        body = Buffer.concat([hex('12'), varint(body.length), body]);
      }
      return body.toString('hex');
    };
    const bodies: [string, string][] = [
      ['a text that is cut off', '0a0261'],
      ['a length of 4 GiB', '0affffffff0f61'],
      ['a tag that is cut off', '80'],
      ['a field 0', '0001'],
      ['a wire type that there is not', '0e01'],
      ['a number of 11 bytes', '20ffffffffffffffffffff01'],
      ['a number of 65 bits', '20ffffffffffffffffff02'],
      ['a number that is cut off', '20ff'],
      ['text that is not UTF-8', '0a01ff'],
      ['a number where text belongs', '0801'],
      ['a double that is cut off', '310000'],
      ['a child beyond its parent', '1203120561'],
      ['packed numbers that are cut off', '2a02 01ff'],
      ['packed fixed numbers that are cut off', '62 03 010000'],
      ['an entry of a map that is cut off', '42 03 0a0561'],
      ['a group without an end', '9b06 0801'],
      ['an end without a group', '9c06'],
      ['65 levels', nested(65)],
      ['20,000 levels', nested(20_000)],
      ['20,000 groups', '9b06'.repeat(20_000)],
    ];
    for (const [what, body] of bodies) {
      const code = await refusalOf(() => admit(codec, hex(body), NODE_TYPE));
      expect(code, what).toBe('ERR_HTTP_MALFORMED_BODY');
    }
    expect((await admit(codec, hex(nested(64)), NODE_TYPE)).storedType).toBe(NODE_TYPE);
    const many = hex('1a00'.repeat(1_000_001));
    expect(await refusalOf(() => admit(codec, many, NODE_TYPE))).toBe('ERR_HTTP_MALFORMED_BODY');
  });

  test('that JSON would lose a part of are given as JSON to nobody', async () => {
    const codec = await openTypes();
    const bodies: [string, string, string][] = [
      ['a field that the type does not have', '980601', NODE_TYPE],
      ['a group that the type does not have', '9b0608019c06', NODE_TYPE],
      ['an Any of an unknown type', '52 03 0a01 61', NODE_TYPE],
      ['text that is not UTF-8 in the old language', '0a01ff', NOTE_TYPE],
      ['a value that its closed enum does not have', '1005', NOTE_TYPE],
    ];
    for (const [what, body, type] of bodies) {
      const stored = await admit(codec, hex(body), type);
      const code = await refusalOf(() => present(codec, stored, JSON_TYPE));
      expect(code, what).toBe('ERR_HTTP_NOT_ACCEPTABLE');
      expect((await codec.toJson(stored)).isBase64, what).toBe(true);
    }
    const group = await admit(codec, hex('0a0161 1001 1b 0805 1c'), NOTE_TYPE);
    const presented = await present(codec, group, JSON_TYPE);
    expect(JSON.parse(textOf(presented.bytes))).toEqual({
      text: 'a',
      mark: 'GOOD',
      part: { size: 5 },
    });
  });

  test('in an Any within an Any, without end, overflow no stack', async () => {
    const codec = await openTypes();
    const url = Buffer.from('/google.protobuf.Any');
    let any = Buffer.alloc(0);
    for (let level = 0; level < 2_000; level++) {
      const value = any.length === 0 ? any : Buffer.concat([hex('12'), varint(any.length), any]);
      any = Buffer.concat([hex('0a'), varint(url.length), url, value]);
    }
    const body = Buffer.concat([hex('52'), varint(any.length), any]);
    const stored = await admit(codec, body, NODE_TYPE);
    expect(await refusalOf(() => present(codec, stored, JSON_TYPE))).toBe(
      'ERR_HTTP_NOT_ACCEPTABLE',
    );
  });

  test('with some bytes changed are refused or given, and nothing else', async () => {
    const types = new MessageTypes(DESCRIPTOR_SET);
    const original = nodeOf(NODE);
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    const property = fc.property(changes, fc.nat(), (list, length) => {
      const bytes = Buffer.from(original).subarray(0, 1 + (length % original.length));
      for (const [at, byte] of list) bytes[at % bytes.length] = byte;
      const outcomes = [
        outcomeOf(() => types.check('shop.Node', bytes)),
        outcomeOf(() => types.toJson('shop.Node', bytes)),
      ];
      // What is no message has no JSON form either.
      if (outcomes[0] !== 'sound') expect(outcomes[1]).toBe('InexactConversionError');
    });
    fc.assert(property, { seed, numRuns: scaled(3_000) });
  });
});

describe('the file of message types', () => {
  test('is refused where it is missing, no such file or incomplete', async () => {
    using folder = temporaryFolder();
    const missing = openCodec({ messageDescriptorsPath: folder.path('none') });
    await expect(missing).rejects.toThrow(MessageTypesError);
    expect(() => new MessageTypes(Buffer.from('{}'))).toThrow(MessageTypesError);
    // A file whose import is not in the set.
    expect(() => new MessageTypes(hex('0a0a 0a01 61 1a05 622e 7072 6f'))).toThrow(
      MessageTypesError,
    );
  });
});

function outcomeOf(work: () => unknown): string {
  try {
    work();
    return 'sound';
  } catch (error) {
    const { name } = error as Error;
    expect(['RequestError', 'InexactConversionError']).toContain(name);
    return name;
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left > 0x7f; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80);
  return Buffer.from([...bytes, left]);
}
