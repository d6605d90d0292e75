import { describe, expect, test } from 'vitest';
import { detectFormat, formatOfName } from '../../../bench/replay/formats/registry.js';
import { sampleOf } from '../../../bench/replay/trace-input.js';
import { createPrng } from '../../support/prng.js';

const SEED = 0x5eed44;

function detect(fileName: string, content: string | Buffer): string {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const { format, by } = detectFormat(`folder/${fileName}`, sampleOf(bytes, true));
  return `${format.name} by ${by}`;
}

describe('text', () => {
  test.each([
    [
      'access.log',
      '::1 - - [1/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "a, b"\n',
      'combined',
    ],
    ['anything', 'time,key,size\n1,a,2\n', 'csv'],
    ['one-column', 'key\nalpha\nbeta\n', 'csv'],
    ['anything.csv', '0,key1,4,55,4,get,0\n1,key2,4,5,4,set,60\n', 'twitter'],
    ['anything', '1 1 0 1\n5 2 0 2\n', 'arc'],
    ['anything', '1 0 68\n2 1 7454\n', 'adaptsize'],
    ['anything', '*\n1\n2\n3', 'lirs'],
    ['keys.txt', 'user:1\nuser:2\n', 'lirs'],
  ])('%s holding %j is recognised', (fileName, content, name) => {
    expect(detect(fileName, content)).toBe(`${name} by content`);
  });

  test('a few odd lines do not matter, and a cut last line neither', () => {
    const lines = Array.from({ length: 30 }, (_, index) => `${index} 1 0 ${index}`);
    expect(detect('x', `${['garbage', ...lines].join('\n')}\n77`)).toBe('arc by content');
  });

  test('where the content says nothing the name decides, without the compression', () => {
    expect(detect('trace.lis.zst', 'odd content here\n')).toBe('arc by name');
    expect(detect('access_log.1', 'odd content here\n')).toBe('combined by name');
    expect(() => detect('odd', 'odd content here\n')).toThrow(/--format: oracle, twitter/);
  });
});

describe('binary', () => {
  const random = createPrng(SEED);

  function integers(count: number, bytes: 4 | 8, valueAt: (index: number) => bigint): Buffer {
    const content = Buffer.alloc(count * bytes);
    for (let index = 0; index < count; index += 1) {
      const value = valueAt(index);
      if (bytes === 4) content.writeUInt32BE(Number(value), index * 4);
      else content.writeBigUInt64BE(value, index * 8);
    }
    return content;
  }
  const words = Array.from({ length: 500 }, () => BigInt(random.nextUint32()));
  const wordAt = (index: number): bigint => words[(index * 7 + (index >> 3)) % words.length] ?? 0n;
  const lowHalfAt = (index: number): bigint => wordAt(index) ^ 0x5bd1e995n;

  test.each([
    ['small 32-bit keys', integers(4_000, 4, () => BigInt(random.nextBelow(900))), 'int32'],
    ['a loop of 32-bit keys', integers(4_000, 4, (index) => BigInt(index % 1_000)), 'int32'],
    ['a scan of 32-bit keys', integers(4_000, 4, (index) => BigInt(index)), 'int32'],
    ['hashed 32-bit keys', integers(8_000, 4, wordAt), 'int32'],
    ['small 64-bit keys', integers(4_000, 8, () => BigInt(random.nextBelow(900))), 'int64'],
    ['a scan of 64-bit keys', integers(4_000, 8, (index) => BigInt(index)), 'int64'],
    ['three 64-bit keys', integers(3, 8, (index) => BigInt(index)), 'int64'],
    [
      'hashed 64-bit keys',
      integers(4_000, 8, (index) => (wordAt(index) << 32n) | lowHalfAt(index)),
      'int64',
    ],
    [
      'large 64-bit keys',
      integers(4_000, 8, () => (3n << 40n) | BigInt(random.nextUint32())),
      'int64',
    ],
  ])('%s are recognised', (_, content, name) => {
    // A hashed key of four bytes occurs at even and odd places, one of eight bytes never does.
    expect(detect('x.trace', content)).toBe(`${name} by content`);
  });

  test('oracleGeneral is recognised under any name', () => {
    const content = Buffer.alloc(24 * 50);
    for (let index = 0; index < 50; index += 1) {
      content.writeUInt32LE(index >> 2, index * 24);
      content.writeBigUInt64LE(BigInt(index % 9), index * 24 + 4);
      content.writeUInt32LE(512, index * 24 + 12);
      content.writeBigInt64LE(index < 41 ? BigInt(index + 9) : -1n, index * 24 + 16);
    }
    for (const fileName of ['x', 'x.trace', 'x.csv', 'x.oracleGeneral.bin']) {
      expect(detect(fileName, content)).toBe('oracle by content');
    }
  });
});

test('a format is found by name, and a slip is answered with the nearest one', () => {
  expect(formatOfName('ARC').name).toBe('arc');
  expect(() => formatOfName('combine')).toThrow(/did you mean "combined"/);
  expect(() => formatOfName('parquet')).toThrow(/The formats are oracle, twitter, combined/);
});
