import type { FileHandle } from 'node:fs/promises';
import {
  type CheckpointTable,
  type Checksum,
  decodePreamble,
  decodeTable,
  encodePreamble,
  type PageRecord,
  PREAMBLE_BYTES,
  type Preamble,
  UnreadableFileError,
} from './checkpoint-format.js';
import { writeAll } from './page-slots.js';
import { openPrivate } from './private-file.js';

/** 4 GiB in pages of 16 KiB, and the names of all namespaces. */
const TABLE_BYTES_MAX = 16 * 1_024 * 1_024;

/** Reads as many bytes as there are, at most the length of the target. */
async function readAt(file: FileHandle, target: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < target.length) {
    const { bytesRead } = await file.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** A file that was found whole as far as its preamble and table go. */
export class OpenCheckpoint {
  readonly table: CheckpointTable;
  readonly #file: FileHandle;
  readonly #preamble: Preamble;
  readonly #checksum: Checksum;

  constructor(file: FileHandle, preamble: Preamble, table: CheckpointTable, checksum: Checksum) {
    this.#file = file;
    this.#preamble = preamble;
    this.table = table;
    this.#checksum = checksum;
  }

  /** The file of a clean close that no engine has taken into use since. */
  get isClean(): boolean {
    return this.#preamble.isClean;
  }

  /** Makes it no file of a clean close any more, durably; false where it is read-only. */
  async markInUse(): Promise<boolean> {
    const preamble = encodePreamble({ ...this.#preamble, isClean: false }, this.#checksum);
    try {
      await writeAll(this.#file, preamble, 0);
      await this.#file.sync();
      return true;
    } catch {
      return false;
    }
  }

  /** Reads a page; false when its bytes are not those that were written, or cannot be read. */
  async readPage(record: PageRecord, target: Uint8Array): Promise<boolean> {
    const position = PREAMBLE_BYTES + record.slot * this.table.meta.pageBytes;
    try {
      const bytesRead = await readAt(this.#file, target, position);
      if (bytesRead !== target.length) return false;
    } catch {
      // A medium that fails costs this page, not the rest: some may be in the arena by now.
      return false;
    }
    return this.#checksum(target, BigInt(record.page)) === record.checksum;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/**
 * Opens a file and checks preamble and table; undefined when there is none.
 *
 * @throws {UnreadableFileError} when it is foreign, damaged, or of another version
 * @throws {RefusedFileError} when it may be somebody else's
 */
export async function openCheckpoint(
  path: string,
  checksum: Checksum,
): Promise<OpenCheckpoint | undefined> {
  const file = await openPrivate(path);
  if (file === undefined) return undefined;
  try {
    const head = Buffer.alloc(PREAMBLE_BYTES);
    const preamble = decodePreamble(head.subarray(0, await readAt(file, head, 0)), checksum);
    const { tableBytes, tableOffset, tableChecksum } = preamble;
    if (tableBytes > TABLE_BYTES_MAX) throw new UnreadableFileError('has too long a table');
    const bytes = Buffer.alloc(tableBytes);
    const bytesRead = await readAt(file, bytes, tableOffset);
    if (bytesRead !== tableBytes || checksum(bytes, 0n) !== tableChecksum) {
      throw new UnreadableFileError('is damaged or cut short');
    }
    return new OpenCheckpoint(file, preamble, decodeTable(bytes), checksum);
  } catch (error) {
    await file.close();
    throw error;
  }
}
