import { guessIntegerBytes } from './integer-width.js';
import type { BinaryFormat } from './trace-format.js';

/** Nothing but keys, eight bytes each. */
export const int64Keys: BinaryFormat = {
  kind: 'binary',
  name: 'int64',
  summary: 'raw big-endian 64-bit keys without a header',
  recordBytes: 8,
  matchesName: (fileName) => /\.(int64|i64)$/i.test(fileName),
  matchesSample: (sample) => !sample.isText && guessIntegerBytes(sample.bytes) === 8,
  parseRecord: (data, offset, emit) => {
    emit('get', data.readBigInt64BE(offset).toString());
    return 'parsed';
  },
};
