// The file of a checkpoint, little-endian:
//
//   0      preamble    magic, versions, whether it is the file of a clean close, where the table is
//   4,096  pages       of `pageBytes` each, in slots
//   …      table       JSON of `CheckpointMeta`, then one record of 32 bytes for each page
//
// Each part has a checksum: XXH64, for a page seeded with its number, so that pages that changed
// places are found out too. The preamble is written last, and again when the file is taken into
// use: it fits one sector.

import { ARENA_LAYOUT_VERSION } from '../../native-free-core/assembly/layout.js';
import type { Moment } from './moment.js';

/** Bytes before the first page slot. */
export const PREAMBLE_BYTES = 4_096;
/** Raise it with every change of the file that is no change of the arena's layout. */
export const FORMAT_VERSION = 1;

const MAGIC = 'HSHDFILE';
const PREAMBLE_USED_BYTES = 64;
const CHECKSUM_OFFSET = 56;
const PAGE_RECORD_BYTES = 32;
const JSON_LENGTH_BYTES = 4;
/** More is damage: 4,097 names of 128 bytes and the rest fit easily. */
const JSON_BYTES_MAX = 4 * 1_024 * 1_024;
const PAGE_BYTES_MIN = 1_024;
const PAGE_BYTES_MAX = 1_024 * 1_024;

/** XXH64 of bytes with a seed. */
export type Checksum = (bytes: Uint8Array, seed: bigint) => bigint;

/** What stands at the beginning of the file. */
export interface Preamble {
  /** The file of a clean close that no engine has taken into use since. */
  readonly isClean: boolean;
  readonly tableOffset: number;
  readonly tableBytes: number;
  readonly tableChecksum: bigint;
}

/** One page of the arena in the file. */
export interface PageRecord {
  readonly page: number;
  /** State word of the page directory. */
  readonly state: number;
  /** Next page of a large value + 1; 0 = none. */
  readonly next: number;
  /** Which page slot of the file holds its bytes. */
  readonly slot: number;
  /** Bytes from one chunk to the next; 0 for pages without chunks. */
  readonly strideBytes: number;
  readonly checksum: bigint;
}

/** What is known of the arena as a whole. */
export interface CheckpointMeta {
  readonly pageBytes: number;
  readonly pagesAddress: number;
  readonly pageCount: number;
  readonly shardCount: number;
  readonly hashSeed: string;
  /** HEADER_POLICY: bits of the items belong to it. */
  readonly policy: number;
  /** The arena's time when it was written, in milliseconds since its birth. */
  readonly arenaMs: number;
  readonly moment: Moment;
  /** The highest shard sequence: versions go on from there. */
  readonly sequence: number;
  /** Entries in the pages, those included whose time was over already. */
  readonly entryCount: number;
  /** Names and epochs by id; the first is the key space without a name. */
  readonly namespaces: readonly (readonly [name: string, epoch: number])[];
}

/** The table: what is known of the arena and its pages. */
export interface CheckpointTable {
  readonly meta: CheckpointMeta;
  readonly pages: readonly PageRecord[];
}

/** Why a file cannot be read: completes "it …". */
export class UnreadableFileError extends Error {
  override readonly name: string = 'UnreadableFileError';

  constructor(problem: string) {
    super(`it ${problem}`);
  }
}

/** The preamble's bytes. */
export function encodePreamble(preamble: Preamble, checksum: Checksum): Buffer {
  const bytes = Buffer.alloc(PREAMBLE_BYTES);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt32LE(FORMAT_VERSION, 8);
  bytes.writeUInt32LE(ARENA_LAYOUT_VERSION, 12);
  bytes.writeUInt32LE(preamble.isClean ? 1 : 0, 16);
  bytes.writeUInt32LE(preamble.tableBytes, 20);
  bytes.writeBigUInt64LE(BigInt(preamble.tableOffset), 24);
  bytes.writeBigUInt64LE(preamble.tableChecksum, 32);
  bytes.writeBigUInt64LE(checksum(bytes.subarray(0, CHECKSUM_OFFSET), 0n), CHECKSUM_OFFSET);
  return bytes;
}

/** Whether the first bytes of a file are those of a checkpoint, or too few to be anything else. */
export function isCheckpointHead(bytes: Buffer): boolean {
  return MAGIC.startsWith(bytes.toString('latin1', 0, MAGIC.length));
}

/** @throws {UnreadableFileError} when it is foreign, damaged, or of another version */
export function decodePreamble(bytes: Buffer, checksum: Checksum): Preamble {
  if (bytes.length < PREAMBLE_USED_BYTES) throw new UnreadableFileError('is too short');
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw new UnreadableFileError('is no checkpoint of this library');
  }
  const stored = bytes.readBigUInt64LE(CHECKSUM_OFFSET);
  if (checksum(bytes.subarray(0, CHECKSUM_OFFSET), 0n) !== stored) {
    throw new UnreadableFileError('is damaged or was not finished');
  }
  const version = bytes.readUInt32LE(8);
  const layout = bytes.readUInt32LE(12);
  if (version !== FORMAT_VERSION || layout !== ARENA_LAYOUT_VERSION) {
    throw new UnreadableFileError(
      `has version ${version}.${layout}, not ${FORMAT_VERSION}.${ARENA_LAYOUT_VERSION}`,
    );
  }
  return {
    isClean: bytes.readUInt32LE(16) === 1,
    tableBytes: bytes.readUInt32LE(20),
    tableOffset: Number(bytes.readBigUInt64LE(24)),
    tableChecksum: bytes.readBigUInt64LE(32),
  };
}

/** The table's bytes. */
export function encodeTable(table: CheckpointTable): Buffer {
  const json = Buffer.from(JSON.stringify(table.meta));
  const first = JSON_LENGTH_BYTES + json.length;
  const bytes = Buffer.alloc(first + table.pages.length * PAGE_RECORD_BYTES);
  bytes.writeUInt32LE(json.length, 0);
  json.copy(bytes, JSON_LENGTH_BYTES);
  table.pages.forEach((record, index) => {
    const at = first + index * PAGE_RECORD_BYTES;
    bytes.writeUInt32LE(record.page, at);
    bytes.writeUInt32LE(record.state, at + 4);
    bytes.writeUInt32LE(record.next, at + 8);
    bytes.writeUInt32LE(record.slot, at + 12);
    bytes.writeBigUInt64LE(record.checksum, at + 16);
    bytes.writeUInt32LE(record.strideBytes, at + 24);
  });
  return bytes;
}

/**
 * Reads a table whose checksum was compared: what is wrong with it then was written so.
 *
 * @throws {UnreadableFileError}
 */
export function decodeTable(bytes: Buffer): CheckpointTable {
  const jsonBytes = bytes.length < JSON_LENGTH_BYTES ? -1 : bytes.readUInt32LE(0);
  const first = JSON_LENGTH_BYTES + jsonBytes;
  if (jsonBytes < 0 || jsonBytes > JSON_BYTES_MAX || first > bytes.length) {
    throw new UnreadableFileError('has a table of the wrong length');
  }
  const meta = readMeta(bytes.toString('utf8', JSON_LENGTH_BYTES, first));
  const pages: PageRecord[] = [];
  for (let at = first; at + PAGE_RECORD_BYTES <= bytes.length; at += PAGE_RECORD_BYTES) {
    pages.push({
      page: bytes.readUInt32LE(at),
      state: bytes.readUInt32LE(at + 4),
      next: bytes.readUInt32LE(at + 8),
      slot: bytes.readUInt32LE(at + 12),
      checksum: bytes.readBigUInt64LE(at + 16),
      strideBytes: bytes.readUInt32LE(at + 24),
    });
  }
  return { meta, pages };
}

function readMeta(text: string): CheckpointMeta {
  let meta: CheckpointMeta;
  try {
    meta = JSON.parse(text) as CheckpointMeta;
  } catch {
    throw new UnreadableFileError('has a table that is no JSON');
  }
  const { pageBytes, hashSeed, policy, namespaces, arenaMs, sequence, moment } = meta;
  const isWhole =
    Number.isInteger(pageBytes) &&
    pageBytes >= PAGE_BYTES_MIN &&
    pageBytes <= PAGE_BYTES_MAX &&
    /^\d{1,20}$/.test(hashSeed) &&
    Number.isInteger(policy) &&
    Number.isFinite(arenaMs) &&
    arenaMs >= 0 &&
    Number.isSafeInteger(sequence) &&
    typeof moment?.bootId === 'string' &&
    Number.isFinite(moment.uptimeMs) &&
    Number.isFinite(moment.wallMs) &&
    Array.isArray(namespaces) &&
    namespaces.every(([name, epoch]) => typeof name === 'string' && Number.isInteger(epoch));
  if (!isWhole) throw new UnreadableFileError('has a table that lacks fields');
  return meta;
}
