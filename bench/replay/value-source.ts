import { randomFillSync } from 'node:crypto';

/** The largest value that any configuration of the engine takes: 64 MiB. */
export const VALUE_BYTES_MAX: number = 64 * 1024 * 1024;
const INITIAL_BYTES = 64 * 1024;

/** Values of any size out of one buffer of noise, which grows with the largest one asked for. */
export class ValueSource {
  #noise: Buffer = randomFillSync(Buffer.allocUnsafeSlow(INITIAL_BYTES));

  /** A view of `bytes` bytes, 0 to 64 MiB, that stays valid. */
  take(bytes: number): Buffer {
    if (bytes > this.#noise.length) {
      const grown = 2 ** Math.ceil(Math.log2(bytes));
      this.#noise = randomFillSync(Buffer.allocUnsafeSlow(grown));
    }
    return this.#noise.subarray(0, bytes);
  }
}
