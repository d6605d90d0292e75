import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { compressSync } from 'lz4-napi';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { createValueCodec } from '../../../../server/codecs/value-codec.js';
import { DEFAULT_SERVICE_SETTINGS } from '../../../../server/service-settings.js';
import {
  admit,
  bytesOf,
  hex,
  openCodec,
  present,
  refusalOf,
  textOf,
  VALUE_BYTES_MAX,
} from './codec-rig.js';

const packr = new Packr({ useRecords: false });
const JSON_TYPE = 'application/json';
const MESSAGE_PACK_TYPE = 'application/msgpack';
const LONG_JSON = bytesOf(JSON.stringify({ text: 'value '.repeat(1_000) }));

describe('bodies', () => {
  test('H27 JSON that is not well-formed is refused with its offset', async () => {
    const codec = await openCodec();
    for (const text of ['{"a":', '{"a":1} x', '\ufeff{}', '{"a":01}', '']) {
      const code = await refusalOf(() => admit(codec, bytesOf(text), JSON_TYPE));
      expect(code, text).toBe('ERR_HTTP_MALFORMED_BODY');
    }
    await expect(admit(codec, bytesOf('[1,,2]'), JSON_TYPE)).rejects.toThrow(/byte 3/);
    for (const type of ['text/json', 'application/ld+json', 'Application/JSON; charset=UTF-8']) {
      const code = await refusalOf(() => admit(codec, bytesOf('{'), type));
      expect(code, type).toBe('ERR_HTTP_MALFORMED_BODY');
    }
  });

  test('H28 JSON nested deeper than 64 levels is refused', async () => {
    const codec = await openCodec();
    const nested = (depth: number): Uint8Array => bytesOf('['.repeat(depth) + ']'.repeat(depth));
    expect((await admit(codec, nested(64), JSON_TYPE)).storedType).toBe(JSON_TYPE);
    const code = await refusalOf(() => admit(codec, nested(100_000), JSON_TYPE));
    expect(code).toBe('ERR_HTTP_MALFORMED_BODY');
  });

  test('H30 JSON in another charset, and what is no media type, is refused', async () => {
    const codec = await openCodec();
    const types = [
      'application/json; charset=utf-16',
      'json',
      '/json',
      'text/',
      'text/plain, text/html',
      'text/plain; charset',
      'text/plain; charset="a',
      'text/plain; charset=a; charset=b',
      'lz4:text/plain',
      'text/pläin',
      `text/${'a'.repeat(96)}`,
    ];
    for (const type of types) {
      const code = await refusalOf(() => admit(codec, bytesOf('1'), type));
      expect(code, type).toBe('ERR_HTTP_UNSUPPORTED_MEDIA_TYPE');
    }
    const longest = `text/${'a'.repeat(95)}`;
    expect((await admit(codec, bytesOf('1'), longest)).storedType).toBe(longest);
  });

  test('H31 a bomb of gzip or Brotli is refused at the limit on values', async () => {
    const codec = await openCodec();
    const zeros = Buffer.alloc(100 * VALUE_BYTES_MAX);
    const bombs = [
      ['gzip', gzipSync(zeros)],
      ['br', brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
    ] as const;
    for (const [coding, bomb] of bombs) {
      const code = await refusalOf(() => admit(codec, bomb, 'image/bmp', coding));
      expect(code, coding).toBe('ERR_CACHE_VALUE_TOO_LARGE');
    }
  });

  test('a body of exactly the limit passes every coding', async () => {
    const codec = await openCodec();
    const zeros = Buffer.alloc(VALUE_BYTES_MAX);
    const bodies = [
      ['gzip', gzipSync(zeros)],
      ['br', brotliCompressSync(zeros)],
      ['lz4', compressSync(zeros)],
    ] as const;
    for (const [coding, body] of bodies) {
      const stored = await admit(codec, body, 'image/bmp', coding);
      expect(stored).toEqual({ bytes: body, storedType: `${coding}:image/bmp` });
      const presented = await present(codec, stored);
      expect(Buffer.compare(presented.bytes, zeros), coding).toBe(0);
    }
  });

  test('compressed bodies that are damaged, cut off or followed by more are refused', async () => {
    const codec = await openCodec();
    const bodies = [
      ['gzip', gzipSync('hello')],
      ['br', brotliCompressSync('hello')],
      ['lz4', compressSync(Buffer.from('hello'))],
    ] as const;
    for (const [coding, body] of bodies) {
      const broken = [
        Buffer.alloc(0),
        body.subarray(0, body.length - 1),
        Buffer.concat([body, Buffer.from('more')]),
        Buffer.from('junk of some length'),
      ];
      for (const bytes of broken) {
        const code = await refusalOf(() => admit(codec, bytes, 'text/plain', coding));
        expect(code, `${coding} ${bytes.toString('hex')}`).toMatch(
          /^ERR_HTTP_MALFORMED_BODY|ERR_CACHE_VALUE_TOO_LARGE$/,
        );
      }
    }
  });

  test('compressed JSON must be JSON once it is decompressed', async () => {
    const codec = await openCodec();
    const bodies = [
      ['gzip', gzipSync('{"a":')],
      ['lz4', compressSync(Buffer.from('{"a":'))],
    ] as const;
    for (const [coding, body] of bodies) {
      const code = await refusalOf(() => admit(codec, body, JSON_TYPE, coding));
      expect(code, coding).toBe('ERR_HTTP_MALFORMED_BODY');
    }
  });

  test('H32 an LZ4 body whose size is a lie is refused before it is decoded', async () => {
    const codec = await openCodec();
    const claims = ['ffffff7f 00', '00000010 00', 'ffffffff 1061', '64000000', '', '0a000000 00'];
    for (const claim of claims) {
      const code = await refusalOf(() => admit(codec, hex(claim), undefined, 'lz4'));
      expect(code, claim).toBe('ERR_HTTP_MALFORMED_BODY');
    }
    const tooLarge = compressSync(Buffer.alloc(VALUE_BYTES_MAX + 1));
    const code = await refusalOf(() => admit(codec, tooLarge, undefined, 'lz4'));
    expect(code).toBe('ERR_CACHE_VALUE_TOO_LARGE');
  });

  test('H33 codings that are unknown or stacked are refused', async () => {
    const codec = await openCodec();
    for (const coding of ['gzip, gzip', 'gzip, br', 'deflate', 'zstd', 'compress', 'x', ',']) {
      const code = await refusalOf(() => admit(codec, gzipSync('1'), undefined, coding));
      expect(code, coding).toBe('ERR_HTTP_UNSUPPORTED_CODING');
    }
    for (const coding of ['', 'identity', ' Identity ']) {
      expect(await admit(codec, bytesOf('1'), 'text/plain', coding)).toEqual({
        bytes: bytesOf('1'),
        storedType: 'text/plain',
      });
    }
  });
});

describe('compression', () => {
  test('applies from the threshold on, where it saves a tenth', async () => {
    const codec = await openCodec();
    const short = Buffer.alloc(1_023, 'a');
    expect((await admit(codec, short, 'text/plain')).storedType).toBe('text/plain');
    const long = Buffer.alloc(1_024, 'a');
    const stored = await admit(codec, long, 'text/plain');
    expect(stored.storedType).toBe('lz4:text/plain');
    expect(stored.bytes.length).toBeLessThan(100);
    expect((await admit(codec, long)).storedType).toBe('lz4:application/octet-stream');
    const noise = Buffer.from(Array.from({ length: 2_048 }, (_, index) => (index * index) >> 5));
    const incompressible = gzipSync(noise);
    expect(await admit(codec, incompressible, 'image/png')).toEqual({
      bytes: incompressible,
      storedType: 'image/png',
    });
    const json = await codec.admitJson(LONG_JSON);
    expect(json.storedType).toBe('lz4:application/json');
    expect((await present(codec, json)).bytes).toEqual(LONG_JSON);
  });

  test('is off where the settings say so, or the library is missing', async () => {
    const { compression } = DEFAULT_SERVICE_SETTINGS;
    const off = await openCodec({ compression: { ...compression, kind: 'off' } });
    expect(off.compressionProblem).toBeUndefined();
    expect((await admit(off, LONG_JSON, JSON_TYPE)).storedType).toBe(JSON_TYPE);
    const settings = { valueBytesMax: VALUE_BYTES_MAX, compression };
    const problem = 'lz4-napi cannot be loaded: no binary';
    const codec = await createValueCodec(settings, async () => ({ library: undefined, problem }));
    expect(codec.compressionProblem).toBe(problem);
    expect((await admit(codec, LONG_JSON, JSON_TYPE)).storedType).toBe(JSON_TYPE);
    const body = compressSync(Buffer.from('{}'));
    const code = await refusalOf(() => admit(codec, body, JSON_TYPE, 'lz4'));
    expect(code).toBe('ERR_HTTP_UNSUPPORTED_CODING');
    const stored = { bytes: body, storedType: 'lz4:application/json' };
    expect(await refusalOf(() => present(codec, stored))).toBe('ERR_HTTP_NOT_ACCEPTABLE');
    expect((await present(codec, stored, '', 'lz4')).bytes).toBe(body);
  });
});

describe('negotiation', () => {
  test('what is stored goes out as it is unless the client likes another form better', async () => {
    const codec = await openCodec();
    const stored = await admit(codec, bytesOf('{"a":[1,"b"]}'), JSON_TYPE);
    const asIs = ['', '*/*', JSON_TYPE, 'text/html,*/*;q=0.1', 'application/*', 'image/png', 'x'];
    for (const accept of asIs) {
      const presented = await present(codec, stored, accept);
      expect(presented, accept).toMatchObject({ bytes: stored.bytes, contentType: JSON_TYPE });
    }
    const packed = [
      MESSAGE_PACK_TYPE,
      'application/msgpack, */*;q=0.5',
      'application/json;q=0.2, application/msgpack;q=0.3',
    ];
    for (const accept of packed) {
      const presented = await present(codec, stored, accept);
      expect(presented.contentType, accept).toBe(MESSAGE_PACK_TYPE);
      expect(packr.unpack(presented.bytes)).toEqual({ a: [1, 'b'] });
    }
    const named = await present(codec, stored, 'application/x-msgpack');
    expect(named.contentType).toBe('application/x-msgpack');
  });

  test('MessagePack is read as JSON', async () => {
    const codec = await openCodec();
    const stored = await admit(codec, packr.pack({ a: [1, 2.5, null, true] }), MESSAGE_PACK_TYPE);
    const presented = await present(codec, stored, JSON_TYPE);
    expect(presented.contentType).toBe(JSON_TYPE);
    expect(textOf(presented.bytes)).toBe('{"a":[1,2.5,null,true]}');
    expect((await present(codec, stored)).bytes).toBe(stored.bytes);
  });

  test('types built on JSON go out as application/json without being touched', async () => {
    const codec = await openCodec();
    const stored = await admit(codec, bytesOf('{}'), 'application/ld+json');
    const presented = await present(codec, stored, JSON_TYPE);
    expect(presented).toEqual({
      bytes: stored.bytes,
      contentType: JSON_TYPE,
      contentEncoding: undefined,
    });
    expect((await present(codec, stored, '*/*')).contentType).toBe('application/ld+json');
  });

  test('a coding that the client takes is left on, another is taken off', async () => {
    const codec = await openCodec();
    const text = 'hello '.repeat(10);
    const body = gzipSync(text);
    const stored = await admit(codec, body, 'text/plain', 'gzip');
    for (const wish of ['gzip', 'x-gzip', 'br, gzip;q=0.5', '*', 'GZIP', 'gzip, identity']) {
      expect(await present(codec, stored, '', wish), wish).toEqual({
        bytes: body,
        contentType: 'text/plain',
        contentEncoding: 'gzip',
      });
    }
    const withoutGzip = [
      '',
      'br',
      'gzip;q=0',
      '*;q=0.5, gzip;q=0',
      'gzip;q=0.5, identity',
      'gzip;q=2',
    ];
    for (const wish of withoutGzip) {
      const presented = await present(codec, stored, '', wish);
      expect(presented.contentEncoding, wish).toBeUndefined();
      expect(textOf(presented.bytes)).toBe(text);
    }
    for (const wish of ['identity;q=0', '*;q=0', 'br, identity;q=0']) {
      const code = await refusalOf(() => present(codec, stored, '', wish));
      expect(code, wish).toBe('ERR_HTTP_NOT_ACCEPTABLE');
    }
  });

  test('LZ4 goes out as it is only to clients that name it', async () => {
    const codec = await openCodec();
    const stored = await admit(codec, LONG_JSON, JSON_TYPE);
    const named = await present(codec, stored, '', 'gzip, lz4');
    expect(named).toEqual({
      bytes: stored.bytes,
      contentType: JSON_TYPE,
      contentEncoding: 'lz4',
    });
    const any = await present(codec, stored, '', '*');
    expect(any).toEqual({
      bytes: LONG_JSON,
      contentType: JSON_TYPE,
      contentEncoding: undefined,
    });
  });

  test('a value that is compressed is converted too', async () => {
    const codec = await openCodec();
    const bodies = [await admit(codec, LONG_JSON, JSON_TYPE)];
    bodies.push(await admit(codec, gzipSync(LONG_JSON), JSON_TYPE, 'gzip'));
    for (const stored of bodies) {
      const presented = await present(codec, stored, MESSAGE_PACK_TYPE, 'gzip, lz4');
      expect(presented.contentEncoding).toBeUndefined();
      expect(packr.unpack(presented.bytes)).toEqual(JSON.parse(textOf(LONG_JSON)));
    }
  });

  test('asStored tells without the value whether it goes out as it is', async () => {
    const codec = await openCodec();
    const json = codec.asStored(JSON_TYPE, '*/*', 'gzip');
    expect(json).toEqual({ contentType: JSON_TYPE, contentEncoding: undefined });
    expect(codec.asStored(JSON_TYPE, '*/*', 'gzip')).toBe(json);
    expect(codec.asStored(JSON_TYPE, MESSAGE_PACK_TYPE, '')).toBeUndefined();
    expect(codec.asStored('lz4:text/plain', '', '')).toBeUndefined();
    const coded = { contentType: 'text/plain', contentEncoding: 'lz4' };
    expect(codec.asStored('lz4:text/plain', '', 'lz4')).toEqual(coded);
    const plain = [undefined, 'image/png', 'text/plain', 'application/x-protobuf', 'anything'];
    for (const storedType of plain) expect(codec.isPlain(storedType), storedType).toBe(true);
    const rest = [JSON_TYPE, MESSAGE_PACK_TYPE, 'lz4:image/png', 'gzip:image/png', 'br:x'];
    for (const storedType of rest) expect(codec.isPlain(storedType), storedType).toBe(false);
  });
});

describe('members of JSON documents', () => {
  test('JSON is embedded as it is, text as a string, MessagePack converted, bytes in base64', async () => {
    const codec = await openCodec();
    const cases: [Uint8Array, string | undefined, string, boolean][] = [
      [bytesOf('{"a": 1e400}'), JSON_TYPE, '{"a": 1e400}', false],
      [bytesOf('say "hi"'), 'text/plain', '"say \\"hi\\""', false],
      [hex('ff'), 'text/plain', '"/w=="', true],
      [bytesOf('a'), 'text/plain; charset=latin1', '"YQ=="', true],
      [hex('81a16101'), MESSAGE_PACK_TYPE, '{"a":1}', false],
      [hex('c40101'), MESSAGE_PACK_TYPE, '"xAEB"', true],
      [hex('00ff'), undefined, '"AP8="', true],
    ];
    for (const [bytes, type, text, isBase64] of cases) {
      const member = await codec.toJson(await admit(codec, bytes, type));
      const found = { text: textOf(member.text), isBase64: member.isBase64 };
      expect(found, type).toEqual({ text, isBase64 });
    }
    const compressed = await codec.toJson(await admit(codec, gzipSync('[1]'), JSON_TYPE, 'gzip'));
    expect(textOf(compressed.text)).toBe('[1]');
    const large = await codec.toJson(await admit(codec, LONG_JSON, JSON_TYPE));
    expect(textOf(large.text)).toBe(textOf(LONG_JSON));
  });
});
