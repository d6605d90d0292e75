// Values that show whether they are whole and whose they are: key, write, length and a checksum of
// the three, then words that follow from all of them.

const WORD_BYTES = 4;
const HEAD_WORDS = 4;
export const VALUE_BYTES_MAX = 131_072;
const STEP = 0x9e37_79b1;

/** What a value says about itself. */
export interface CheckedValue {
  readonly keyId: number;
  readonly sequence: number;
}

function checksum(keyId: number, sequence: number, words: number): number {
  let mixed = Math.imul(keyId + 1, STEP) ^ Math.imul(sequence, 0x85eb_ca6b) ^ words;
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

const scratch = new Uint32Array(VALUE_BYTES_MAX / WORD_BYTES);
const scratchBytes = new Uint8Array(scratch.buffer);

/** The value of a write; the same buffer each time, so it must be stored before the next call. */
export function checkedValue(keyId: number, sequence: number, sizeBytes: number): Uint8Array {
  const words = Math.max(HEAD_WORDS, Math.floor(sizeBytes / WORD_BYTES));
  const sum = checksum(keyId, sequence, words);
  scratch[0] = keyId;
  scratch[1] = sequence;
  scratch[2] = words;
  scratch[3] = sum;
  let word = sum;
  for (let at = HEAD_WORDS; at < words; at++) {
    word = (word + STEP) >>> 0;
    scratch[at] = word;
  }
  return scratchBytes.subarray(0, words * WORD_BYTES);
}

/** Bytes in one run that starts at a multiple of a word. */
const aligned = new Uint8Array(2 * VALUE_BYTES_MAX);
const alignedWords = new Uint32Array(aligned.buffer);
/** Views by length: a new one would cost more than the read that it is for. */
const views = new Map<number, Uint32Array>();

function wordsOf(chunks: readonly Uint8Array[]): Uint32Array | undefined {
  const [first] = chunks;
  if (first === undefined) return undefined;
  if (chunks.length === 1 && first.byteOffset % WORD_BYTES === 0) {
    const known = views.get(first.byteLength);
    if (known?.byteOffset === first.byteOffset && known.buffer === first.buffer) return known;
    if (first.byteLength % WORD_BYTES !== 0) return undefined;
    const view = new Uint32Array(first.buffer, first.byteOffset, first.byteLength / WORD_BYTES);
    views.set(first.byteLength, view);
    return view;
  }
  let bytes = 0;
  for (const chunk of chunks) {
    if (bytes + chunk.byteLength > aligned.byteLength) return undefined;
    aligned.set(chunk, bytes);
    bytes += chunk.byteLength;
  }
  return bytes % WORD_BYTES === 0 ? alignedWords.subarray(0, bytes / WORD_BYTES) : undefined;
}

/** The number of the write that made a key's value; -1 when it is torn or another key's. */
export function sequenceOf(keyId: number, chunks: readonly Uint8Array[]): number {
  const words = wordsOf(chunks);
  if (words === undefined || words.length < HEAD_WORDS) return -1;
  const sequence = words[1] as number;
  const sum = checksum(keyId, sequence, words.length);
  if (words[0] !== keyId || words[2] !== words.length || words[3] !== sum) return -1;
  let word = sum;
  for (let at = HEAD_WORDS; at < words.length; at++) {
    word = (word + STEP) >>> 0;
    if (words[at] !== word) return -1;
  }
  return sequence;
}
