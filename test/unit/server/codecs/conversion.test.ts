import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { parseExactNumber } from '../../../../server/codecs/exact-number.js';
import {
  jsonToMessagePack,
  messagePackToJson,
} from '../../../../server/codecs/message-pack-json.js';
import { scanMessagePack } from '../../../../server/codecs/message-pack-scan.js';
import { checkJson } from '../../../../server/json/scan-json.js';
import { seedFromEnvironment } from '../../../support/prng.js';
import { scaled } from '../../../support/scale.js';
import { admit, bytesOf, hex, openCodec, present, refusalOf, textOf } from './codec-rig.js';

const seed = seedFromEnvironment();
const JSON_TYPE = 'application/json';
const MESSAGE_PACK_TYPE = 'application/msgpack';
const packr = new Packr({ useRecords: false });

const messagePackOf = (text: string): string =>
  Buffer.from(jsonToMessagePack(bytesOf(text))).toString('hex');
const jsonOf = (text: string): string => textOf(messagePackToJson(hex(text)));

describe('JSON as MessagePack', () => {
  test('keeps what both have', () => {
    const cases: [string, string][] = [
      ['null', 'c0'],
      [' [ true , false ] ', '92c3c2'],
      ['{"b":1,"1":-1}', '82a16201a131ff'],
      ['{"__proto__":{"a":[]}}', '81a95f5f70726f746f5f5f81a16190'],
      ['"\\u00e9\\ud83d\\ude00"', 'a6c3a9f09f9880'],
      ['1.5', 'cb3ff8000000000000'],
      ['1e2', '64'],
      ['9007199254740993', 'd30020000000000001'],
      ['18446744073709551615', 'cfffffffffffffffff'],
      ['-9223372036854775808', 'd38000000000000000'],
      ['18446744073709551616', 'cb43f0000000000000'],
      ['[[],{},""]', '939080a0'],
    ];
    for (const [text, packed] of cases) expect(messagePackOf(text), text).toBe(packed);
  });

  test('H29 refuses what it would have to change', async () => {
    const codec = await openCodec();
    const texts = [
      '1e400',
      '-1e400',
      '1e-400',
      '18446744073709551617',
      '-9223372036854775809',
      '3.14159265358979323846264338327950288',
      '12345678901234567.5',
      '-0',
      '-0.0',
      '"\\ud800"',
      '"\\udc00\\ud800"',
      '{"\\ud800":1}',
    ];
    for (const text of texts) {
      const stored = await admit(codec, bytesOf(text), JSON_TYPE);
      expect(textOf((await present(codec, stored, JSON_TYPE)).bytes), text).toBe(text);
      const code = await refusalOf(() => present(codec, stored, MESSAGE_PACK_TYPE));
      expect(code, text).toBe('ERR_HTTP_NOT_ACCEPTABLE');
      // Who takes JSON as well gets it.
      const other = await present(codec, stored, `${MESSAGE_PACK_TYPE}, */*;q=0.1`);
      expect(other, text).toMatchObject({ bytes: stored.bytes, contentType: JSON_TYPE });
    }
  });

  test('numbers are exact when their own digits come back', () => {
    const kept = [
      '0',
      '0.0',
      '0.1',
      '1.10',
      '727768734906190.2',
      '0.10000000000000001',
      '5e-324',
      '1.7976931348623157e308',
    ];
    for (const text of kept) expect(parseExactNumber(text), text).toBe(Number(text));
    const property = fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      if (Object.is(value, -0)) return;
      expect(Number(parseExactNumber(String(value)))).toBe(value);
      expect(Number(parseExactNumber(value.toPrecision(17)))).toBe(value);
    });
    fc.assert(property, { seed, numRuns: scaled(500) });
  });

  test('any document comes back with the same values', () => {
    const property = fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = JSON.stringify(value);
      const packed = jsonToMessagePack(bytesOf(text));
      expect(scanMessagePack(packed)).toMatchObject({ problem: undefined, obstacle: undefined });
      const back = messagePackToJson(packed);
      expect(checkJson(back)).toBeUndefined();
      expect(JSON.parse(textOf(back))).toEqual(JSON.parse(text));
    });
    fc.assert(property, { seed, numRuns: scaled(500) });
  });

  test('any text comes back, wherever it is long or begins with a mark of byte order', () => {
    const property = fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
      for (const value of [text, `\ufeff${text}`, text.repeat(20)]) {
        const document = JSON.stringify({ [value]: value });
        const back = messagePackToJson(jsonToMessagePack(bytesOf(document)));
        expect(textOf(back)).toBe(document);
      }
    });
    fc.assert(property, { seed, numRuns: scaled(200) });
  });
});

describe('MessagePack as JSON', () => {
  test('keeps what both have', () => {
    const cases: [string, string][] = [
      ['c0', 'null'],
      ['cf0000000000000005', '5'],
      ['cfffffffffffffffff', '18446744073709551615'],
      ['d38000000000000000', '-9223372036854775808'],
      ['ca3dcccccd', '0.10000000149011612'],
      ['cb8000000000000000', '-0'],
      ['cb43f0000000000000', '18446744073709551616'],
      ['cb7e37e43c8800759c', '1e+300'],
      ['81a95f5f70726f746f5f5f01', '{"__proto__":1}'],
      ['82a16201a131a0', '{"b":1,"1":""}'],
    ];
    for (const [packed, text] of cases) expect(jsonOf(packed), packed).toBe(text);
  });

  test('refuses what JSON has no word for', async () => {
    const codec = await openCodec();
    const documents: [string, string][] = [
      ['binary data', 'c40101'],
      ['an extension', 'd40100'],
      ['a long extension', 'c7020500ff'],
      ['a timestamp', 'd6ff00000000'],
      ['records of msgpackr', '92d4724091a161'],
      ['a name that is a number', '810102'],
      ['a name that is an array', '819001'],
      ['a name twice', '82a16101a16102'],
      ['not a number', 'cb7ff8000000000000'],
      ['infinity', 'ca7f800000'],
      ['text that is not UTF-8', 'a1ff'],
    ];
    for (const [what, packed] of documents) {
      const bytes = hex(packed);
      const stored = await admit(codec, bytes, MESSAGE_PACK_TYPE);
      const code = await refusalOf(() => present(codec, stored, JSON_TYPE));
      expect(code, what).toBe('ERR_HTTP_NOT_ACCEPTABLE');
      const asBytes = await present(codec, stored, `${JSON_TYPE}, application/*;q=0.1`);
      expect(asBytes, what).toMatchObject({ bytes, contentType: MESSAGE_PACK_TYPE });
      expect((await codec.toJson(stored)).isBase64, what).toBe(true);
    }
  });
});

describe('MessagePack bodies', () => {
  test('that are malformed, too deep or lie about lengths are refused', async () => {
    const codec = await openCodec();
    const bodies: [string, string][] = [
      ['nothing', ''],
      ['the byte that is never used', 'c1'],
      ['two documents', '0101'],
      ['a text that is cut off', 'a261'],
      ['a text of 4 GiB', 'dbffffffff61'],
      ['binary data of 4 GiB', 'c6ffffffff61'],
      ['an extension of 4 GiB', 'c9ffffffff0161'],
      ['an array of 2^32 items', 'ddffffffff01'],
      ['a map of 2^32 members', 'dfffffffff01'],
      ['an array of 2^16 items', 'dcffff01'],
      ['a length that is cut off', 'dd00'],
      ['an extension that is cut off', 'd8ff'],
      ['65 arrays', `${'91'.repeat(65)}c0`],
      ['100,000 arrays', '91'.repeat(100_000)],
      ['100,000 maps', '81a161'.repeat(100_000)],
    ];
    for (const [what, packed] of bodies) {
      const code = await refusalOf(() => admit(codec, hex(packed), MESSAGE_PACK_TYPE));
      expect(code, what).toBe('ERR_HTTP_MALFORMED_BODY');
    }
    const deepest = hex(`${'91'.repeat(64)}c0`);
    expect((await admit(codec, deepest, MESSAGE_PACK_TYPE)).bytes).toBe(deepest);
  });

  test('with more than a million values are refused without being decoded', async () => {
    const codec = await openCodec({ valueBytesMax: 4 * 1_024 ** 2 });
    const header = hex('dd000f4240');
    const fits = Buffer.concat([hex('dd000f423f'), Buffer.alloc(999_999)]);
    expect(scanMessagePack(fits)).toMatchObject({ problem: undefined, valueCount: 1_000_000 });
    const body = Buffer.concat([header, Buffer.alloc(1_000_000)]);
    const code = await refusalOf(() => admit(codec, body, 'application/x-msgpack'));
    expect(code).toBe('ERR_HTTP_MALFORMED_BODY');
    const json = await admit(codec, bytesOf(`[${'0,'.repeat(1_000_000)}0]`), JSON_TYPE);
    expect(await refusalOf(() => present(codec, json, MESSAGE_PACK_TYPE))).toBe(
      'ERR_HTTP_NOT_ACCEPTABLE',
    );
  });

  test('are judged as the library does, for any bytes that it packed and then some changed', () => {
    const mutations = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
    const property = fc.property(fc.jsonValue(), mutations, (value, changes) => {
      const bytes = Buffer.from(packr.pack(value));
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      const { problem, obstacle } = scanMessagePack(bytes);
      if (problem !== undefined || obstacle !== undefined) return;
      // What the scan passes decodes, or is one of the changes that only decoding shows.
      try {
        expect(checkJson(messagePackToJson(bytes))).toBeUndefined();
      } catch (error) {
        expect((error as Error).name).toBe('InexactConversionError');
      }
    });
    fc.assert(property, { seed, numRuns: scaled(2_000) });
  });

  test('any bytes end the scan', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const { problem, valueCount } = scanMessagePack(bytes);
      // Each value has a byte of its own, so the scan makes no more steps than there are bytes.
      expect(valueCount).toBeLessThanOrEqual(bytes.length + 1);
      if (problem === undefined) expect(valueCount).toBeGreaterThan(0);
    });
    fc.assert(property, { seed, numRuns: scaled(2_000) });
  });
});
