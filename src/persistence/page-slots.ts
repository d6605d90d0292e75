import type { FileHandle } from 'node:fs/promises';
import { type Checksum, PREAMBLE_BYTES } from './checkpoint-format.js';

/** Writes all bytes at a place of a file. */
export async function writeAll(
  file: FileHandle,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(
      bytes,
      written,
      bytes.length - written,
      position + written,
    );
    written += bytesWritten;
  }
}

/** Where the pages of an arena lie in the file that is being written; a page may be rewritten. */
export class PageSlots {
  readonly #file: FileHandle;
  readonly #pageBytes: number;
  readonly #checksum: Checksum;
  readonly #slots = new Map<number, { readonly slot: number; readonly checksum: bigint }>();
  readonly #free: number[] = [];
  #count = 0;

  constructor(file: FileHandle, pageBytes: number, checksum: Checksum) {
    this.#file = file;
    this.#pageBytes = pageBytes;
    this.#checksum = checksum;
  }

  /** End of the last slot. */
  get endOffset(): number {
    return this.#offsetOf(this.#count);
  }

  #offsetOf(slot: number): number {
    return PREAMBLE_BYTES + slot * this.#pageBytes;
  }

  /** Writes a page, over its former copy where there is one. */
  async write(page: number, bytes: Uint8Array): Promise<void> {
    let slot = this.#slots.get(page)?.slot ?? this.#free.pop();
    if (slot === undefined) {
      slot = this.#count;
      this.#count += 1;
    }
    this.#slots.set(page, { slot, checksum: this.#checksum(bytes, BigInt(page)) });
    await writeAll(this.#file, bytes, this.#offsetOf(slot));
  }

  /** Forgets a page that holds no entries any more. */
  drop(page: number): void {
    const known = this.#slots.get(page);
    if (known === undefined) return;
    this.#slots.delete(page);
    this.#free.push(known.slot);
  }

  /** Slot and checksum of a page that was written. */
  placeOf(page: number): { readonly slot: number; readonly checksum: bigint } {
    const place = this.#slots.get(page);
    if (place === undefined) throw new Error(`page ${page} was not written`);
    return place;
  }
}
