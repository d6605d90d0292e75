/**
 * Where the first sequence begins that is not UTF-8: overlong forms, halves of surrogate pairs,
 * points above U+10FFFF and what is cut off, too.
 *
 * @returns the number of bytes when all of them are UTF-8
 */
export function findUtf8Fault(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const lengthBytes = sequenceBytes(bytes, at);
    if (lengthBytes === 0) return at;
    at += lengthBytes;
  }
  return at;
}

/** Length of the sequence that begins here, 0 when it is none (Unicode 16, table 3-7). */
function sequenceBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const lengthBytes = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (at + lengthBytes > bytes.length) return 0;
  for (let index = 1; index < lengthBytes; index++) {
    if (((bytes[at + index] as number) & 0xc0) !== 0x80) return 0;
  }
  const second = bytes[at + 1] as number;
  const isOutOfRange =
    (first === 0xe0 && second < 0xa0) ||
    (first === 0xed && second > 0x9f) ||
    (first === 0xf0 && second < 0x90) ||
    (first === 0xf4 && second > 0x8f);
  return isOutOfRange ? 0 : lengthBytes;
}
