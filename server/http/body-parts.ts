/** Bodies that stand in several parts, which may be views of shared memory. */

export function sumLengths(parts: readonly Uint8Array[]): number {
  let totalBytes = 0;
  for (const part of parts) totalBytes += part.length;
  return totalBytes;
}

/** A copy of the bytes from an offset on. */
export function copyPartsFrom(
  parts: readonly Uint8Array[],
  offset: number,
  totalBytes: number,
): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(Math.max(0, totalBytes - offset));
  let partOffset = 0;
  for (const part of parts) {
    const skipBytes = Math.min(part.length, Math.max(0, offset - partOffset));
    const targetOffset = partOffset + skipBytes - offset;
    if (skipBytes < part.length) copy.set(part.subarray(skipBytes), targetOffset);
    partOffset += part.length;
  }
  return copy;
}
