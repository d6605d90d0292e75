import { aborted } from '../errors.js';
import { type KeyPage, type PageTask, writeCursor } from './key-page.js';
import type { ScanBook } from './scan-book.js';
import { ScanSlice } from './scan-slice.js';

const OPERATION = 'scanKeys';
/** What the core does in one slice at most, and what it spends on a key that it lists at least. */
const SLICE_UNITS = 32_768;
const KEY_UNITS = 112;

/**
 * Lists keys until there are as many as asked for. A cursor must stand between two slices, so a
 * slice that gives more keys than the page has room for is done again with less work; as many
 * units as the missing keys cost never give too many.
 */
export async function readPage(
  book: ScanBook,
  namespaceId: number,
  { pattern, start, limit, signal }: PageTask,
): Promise<KeyPage> {
  const { runner } = book;
  const { session } = runner;
  const keys: string[] = [];
  let unitsMax = SLICE_UNITS;
  const check = (): void => {
    book.assertOpen(OPERATION);
    if (signal?.aborted) throw aborted(OPERATION, `${keys.length} keys were listed`, signal);
  };
  for (let { shard } = start; shard < session.shardCount; shard++) {
    const slice = new ScanSlice(session, 'list', shard, namespaceId, pattern);
    if (shard === start.shard) slice.moveTo(start);
    while (!slice.isDone) {
      const { place } = slice;
      if (keys.length === limit) return { keys, cursor: writeCursor({ shard, ...place }) };
      slice.keys = [];
      slice.unitsMax = unitsMax;
      await runner.run(slice, OPERATION, check);
      const room = limit - keys.length;
      if (slice.keys.length > room) {
        slice.moveTo(place);
        unitsMax = Math.max(room * KEY_UNITS, unitsMax >>> 1);
      } else {
        keys.push(...slice.keys);
      }
    }
  }
  return { keys, cursor: undefined };
}
