import { HEADER_HASH_SEED, HEADER_POLICY } from '../../native-free-core/assembly/layout.js';
import type { ThreadSession } from '../thread-session.js';
import { ArenaPages } from './arena-pages.js';
import {
  type Checksum,
  encodePreamble,
  encodeTable,
  isCheckpointHead,
  type PageRecord,
  PREAMBLE_BYTES,
} from './checkpoint-format.js';
import type { Moment } from './moment.js';
import { PageSlots, writeAll } from './page-slots.js';
import { createDraft, type DraftFile, RefusedFileError, readHead } from './private-file.js';
import { ShardCopier } from './shard-copier.js';

/** What a checkpoint wrote. */
export interface CheckpointReport {
  /** Entries in the file, those included whose time was over already. */
  readonly entries: number;
  /** Bytes of the file. */
  readonly bytes: number;
  readonly durationMs: number;
}

/** What `writeCheckpoint` is told. */
export interface CheckpointRequest {
  readonly session: ThreadSession;
  readonly path: string;
  /** Nobody writes to the engine any more, and this is the last file of it. */
  readonly isClean: boolean;
  readonly checksum: Checksum;
  readonly readMoment: () => Moment;
}

/** Writes the file of an engine; what was there before stays until the new one is complete. */
export async function writeCheckpoint(request: CheckpointRequest): Promise<CheckpointReport> {
  const startMs = performance.now();
  const draft = await createDraft(request.path);
  try {
    await refuseForeign(request.path);
    const { entries, bytes } = await writeDraft(draft, request);
    await draft.publish();
    return { entries, bytes, durationMs: performance.now() - startMs };
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

/**
 * A path that was mistyped must not cost anybody a file: only a checkpoint is replaced by one.
 *
 * @throws {RefusedFileError}
 */
async function refuseForeign(path: string): Promise<void> {
  if (isCheckpointHead(await readHead(path, PREAMBLE_BYTES))) return;
  throw new RefusedFileError('is no checkpoint of this library, and is left as it is');
}

async function writeDraft(
  { file }: DraftFile,
  { session, isClean, checksum, readMoment }: CheckpointRequest,
): Promise<{ entries: number; bytes: number }> {
  const pages = new ArenaPages(session.arena);
  const slots = new PageSlots(file, pages.pageBytes, checksum);
  const records: PageRecord[] = [];
  let entryCount = 0;
  let sequence = 0;
  for (let shard = 0; shard < pages.shardCount; shard++) {
    const image = await new ShardCopier(session, pages, slots, shard).copy();
    for (const record of image.pages) records.push(record);
    entryCount += image.items;
    sequence = Math.max(sequence, image.sequence);
  }
  const meta = {
    pageBytes: pages.pageBytes,
    pagesAddress: pages.pagesAddress,
    pageCount: pages.pageCount,
    shardCount: pages.shardCount,
    hashSeed: session.arena.view.getBigUint64(HEADER_HASH_SEED, true).toString(),
    policy: session.arena.view.getUint32(HEADER_POLICY, true),
    arenaMs: session.nowMs(),
    moment: readMoment(),
    sequence,
    entryCount,
    // After the pages: a namespace that was cleared meanwhile is cleared in the file too.
    namespaces: pages.namespaces(),
  };
  const table = encodeTable({ meta, pages: records });
  const tableOffset = slots.endOffset;
  await writeAll(file, table, tableOffset);
  const preamble = {
    isClean,
    tableOffset,
    tableBytes: table.length,
    tableChecksum: checksum(table, 0n),
  };
  await writeAll(file, encodePreamble(preamble, checksum), 0);
  return { entries: entryCount, bytes: tableOffset + table.length };
}
