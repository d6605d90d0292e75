/**
 * libCacheSim's oracleGeneral: packed little-endian records.
 * ```
 *  byte  field         type
 *     0  time          u32   seconds
 *     4  object id     u64
 *    12  object size   u32   bytes
 *    16  next access   i64   position of the next request for the object, -1 when there is none
 * ```
 */
import type { BinaryFormat, TraceSample } from './trace-format.js';

const RECORD_BYTES = 24;
const TIME_BYTE = 0;
const OBJECT_ID_BYTE = 4;
const OBJECT_SIZE_BYTE = 12;
const NEXT_ACCESS_BYTE = 16;

const SNIFFED_RECORDS = 100;
/** What writers of this format put where there is no next access. */
const NEVER_AGAIN: readonly bigint[] = [-1n, 2n ** 63n - 1n];
const POSITION_MAX = 2n ** 48n;

function isPlausible(sample: TraceSample): boolean {
  const { bytes } = sample;
  const count = Math.min(SNIFFED_RECORDS, Math.floor(bytes.length / RECORD_BYTES));
  let lastTime = 0;
  for (let index = 0; index < count; index += 1) {
    const offset = index * RECORD_BYTES;
    const time = bytes.readUInt32LE(offset + TIME_BYTE);
    const next = bytes.readBigInt64LE(offset + NEXT_ACCESS_BYTE);
    if (time < lastTime) return false;
    const isPosition = next > BigInt(index) && next < POSITION_MAX;
    if (!isPosition && !NEVER_AGAIN.includes(next)) return false;
    lastTime = time;
  }
  return count > 0;
}

/** Binary traces of libCacheSim with time, object, size and the position of the next access. */
export const oracleGeneral: BinaryFormat = {
  kind: 'binary',
  name: 'oracle',
  summary: 'libCacheSim oracleGeneral: 24-byte little-endian records with time, key, size, next',
  recordBytes: RECORD_BYTES,
  matchesName: (fileName) => /oraclegeneral/i.test(fileName),
  matchesSample: (sample) => !sample.isText && isPlausible(sample),
  parseRecord: (data, offset, emit) => {
    const key = data.readBigUInt64LE(offset + OBJECT_ID_BYTE).toString();
    emit('get', key, data.readUInt32LE(offset + OBJECT_SIZE_BYTE));
    return 'parsed';
  },
};
