/**
 * Tells rows of 4-byte integers from rows of 8-byte integers by what repeats. Read as 4-byte words,
 * a row of 8-byte keys has its high halves at the even places and its low halves at the odd ones,
 * so that the two kinds of places hold different words.
 */
const WORDS_MAX = 16_384;
/** High halves are few when keys are small numbers. */
const HALVES_RATIO_MIN = 16;
/** A word at both kinds of places is chance when it is one in this many. */
const SHARED_ONE_IN = 50;
const HASHED_TOP_BYTES_MIN = 128;

interface PlaceWords {
  readonly even: ReadonlySet<number>;
  readonly odd: ReadonlySet<number>;
  readonly topBytes: ReadonlySet<number>;
}

function collectWords(bytes: Buffer): PlaceWords {
  const even = new Set<number>();
  const odd = new Set<number>();
  const topBytes = new Set<number>();
  const wordCount = Math.min(WORDS_MAX, Math.floor(bytes.length / 8) * 2);
  for (let index = 0; index < wordCount; index += 1) {
    const word = bytes.readUInt32BE(index * 4);
    (index % 2 === 0 ? even : odd).add(word);
    topBytes.add(word >>> 24);
  }
  return { even, odd, topBytes };
}

/** 4 or 8: the likely width of the integers at the beginning of a file. A guess, 4 when unsure. */
export function guessIntegerBytes(bytes: Buffer): 4 | 8 {
  const { even, odd, topBytes } = collectWords(bytes);
  const fewer = Math.min(even.size, odd.size);
  const more = Math.max(even.size, odd.size);
  if (fewer === 0) return 4;
  if ((fewer === 1 && more > 1) || fewer * HALVES_RATIO_MIN <= more) return 8;
  const sharedCount = [...even].filter((word) => odd.has(word)).length;
  if (sharedCount * SHARED_ONE_IN > fewer) return 4;
  // Apart without being hashed is a loop or a scan of small numbers.
  return topBytes.size >= HASHED_TOP_BYTES_MIN ? 8 : 4;
}
