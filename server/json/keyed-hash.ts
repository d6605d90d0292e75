import { randomBytes } from 'node:crypto';

const WORD_BYTES = 4;

/**
 * HalfSipHash-1-3 (Aumasson and Bernstein) under a random key: whoever does not know the key cannot
 * choose names that meet in one place of a table.
 */
export class KeyedHash {
  private readonly key0: number;
  private readonly key1: number;
  private v0 = 0;
  private v1 = 0;
  private v2 = 0;
  private v3 = 0;

  /** @param key 8 bytes */
  constructor(key: Buffer = randomBytes(2 * WORD_BYTES)) {
    this.key0 = key.readInt32LE(0);
    this.key1 = key.readInt32LE(WORD_BYTES);
  }

  /** 32 bits with a sign. */
  digest(bytes: Uint8Array, start: number, end: number): number {
    this.v0 = this.key0;
    this.v1 = this.key1;
    this.v2 = 0x6c796765 ^ this.key0;
    this.v3 = 0x74656462 ^ this.key1;
    let at = start;
    for (; at + WORD_BYTES <= end; at += WORD_BYTES) {
      this.compress(readWord(bytes, at, WORD_BYTES));
    }
    this.compress(((end - start) << 24) | readWord(bytes, at, end - at));
    this.v2 ^= 0xff;
    this.round();
    this.round();
    this.round();
    return this.v1 ^ this.v3;
  }

  private compress(word: number): void {
    this.v3 ^= word;
    this.round();
    this.v0 ^= word;
  }

  private round(): void {
    let { v0, v1, v2, v3 } = this;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    this.v0 = v0;
    this.v1 = v1;
    this.v2 = v2;
    this.v3 = v3;
  }
}

/** Up to four bytes as one number, the first the lowest. */
function readWord(bytes: Uint8Array, at: number, count: number): number {
  let word = 0;
  for (let index = 0; index < count; index++) word |= (bytes[at + index] ?? 0) << (8 * index);
  return word;
}
