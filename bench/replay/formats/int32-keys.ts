import { guessIntegerBytes } from './integer-width.js';
import type { BinaryFormat } from './trace-format.js';

/** Nothing but keys, four bytes each. */
export const int32Keys: BinaryFormat = {
  kind: 'binary',
  name: 'int32',
  summary: 'raw big-endian 32-bit keys without a header',
  recordBytes: 4,
  matchesName: (fileName) => /\.(int32|i32)$/i.test(fileName),
  matchesSample: (sample) => !sample.isText && guessIntegerBytes(sample.bytes) === 4,
  parseRecord: (data, offset, emit) => {
    emit('get', String(data.readInt32BE(offset)));
    return 'parsed';
  },
};
