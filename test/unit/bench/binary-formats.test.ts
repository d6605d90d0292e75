import fc from 'fast-check';
import { expect, test } from 'vitest';
import { int32Keys } from '../../../bench/replay/formats/int32-keys.js';
import { int64Keys } from '../../../bench/replay/formats/int64-keys.js';
import { oracleGeneral } from '../../../bench/replay/formats/oracle-general.js';
import { readTrace } from './read-trace.js';

const SEED = 0x5eed43;
const chunkSizes = fc.integer({ min: 1, max: 50 });

test('every 32-bit key comes back, whatever the chunks', async () => {
  const words = fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
  const property = fc.asyncProperty(words, chunkSizes, async (keys, chunkBytes) => {
    const content = Buffer.alloc(keys.length * 4);
    keys.forEach((key, index) => {
      content.writeInt32BE(key, index * 4);
    });
    const { records, tally } = await readTrace(int32Keys, content, { chunkBytes });
    expect(records.map(({ key }) => Number(key))).toEqual(keys);
    expect(tally).toMatchObject({ records: keys.length, malformed: 0 });
  });
  await fc.assert(property, { seed: SEED, numRuns: 200 });
});

test('every 64-bit key comes back, whatever the chunks', async () => {
  const words = fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
  const property = fc.asyncProperty(words, chunkSizes, async (keys, chunkBytes) => {
    const content = Buffer.alloc(keys.length * 8);
    keys.forEach((key, index) => {
      content.writeBigInt64BE(key, index * 8);
    });
    const { records, tally } = await readTrace(int64Keys, content, { chunkBytes });
    expect(records.map(({ key }) => BigInt(key))).toEqual(keys);
    expect(tally).toMatchObject({ records: keys.length, malformed: 0 });
  });
  await fc.assert(property, { seed: SEED, numRuns: 200 });
});

const oracleRecords = fc.array(
  fc.record({
    time: fc.nat(),
    id: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    size: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    next: fc.bigInt({ min: -1n, max: 2n ** 40n }),
  }),
);

test('oracleGeneral gives object and size of every record, whatever the chunks', async () => {
  const property = fc.asyncProperty(oracleRecords, chunkSizes, async (rows, chunkBytes) => {
    const content = Buffer.alloc(rows.length * 24);
    rows.forEach(({ time, id, size, next }, index) => {
      content.writeUInt32LE(time, index * 24);
      content.writeBigUInt64LE(id, index * 24 + 4);
      content.writeUInt32LE(size, index * 24 + 12);
      content.writeBigInt64LE(next, index * 24 + 16);
    });
    const { records } = await readTrace(oracleGeneral, content, { chunkBytes });
    expect(records).toEqual(
      rows.map(({ id, size }) => ({ operation: 'get', key: String(id), valueBytes: size })),
    );
  });
  await fc.assert(property, { seed: SEED, numRuns: 200 });
});

test.each([int32Keys, int64Keys, oracleGeneral])(
  '$name: a cut record is malformed',
  async (format) => {
    const content = Buffer.alloc(format.recordBytes * 3 - 1);
    const { records, tally } = await readTrace(format, content, { chunkBytes: 5 });
    expect(records).toHaveLength(2);
    expect(tally.malformed).toBe(1);
    expect(tally.firstMalformed).toContain(`record 3: ${format.recordBytes - 1} of`);
  },
);
