import { aborted } from '../errors.js';
import type { KeyPattern } from './key-pattern.js';
import type { ScanBook } from './scan-book.js';
import { ScanSlice } from './scan-slice.js';

const OPERATION = 'keys';

/** Lists keys, a slice whenever those of the one before were taken. */
export async function* listKeys(
  book: ScanBook,
  namespaceId: number,
  pattern: KeyPattern,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void, undefined> {
  const { runner } = book;
  let listed = 0;
  const check = (): void => {
    book.assertOpen(OPERATION);
    if (signal?.aborted) throw aborted(OPERATION, `${listed} keys were listed`, signal);
  };
  for (let shard = 0; shard < runner.session.shardCount; shard++) {
    const slice = new ScanSlice(runner.session, 'list', shard, namespaceId, pattern);
    while (!slice.isDone) {
      slice.keys = [];
      await runner.run(slice, OPERATION, check);
      for (const key of slice.keys) {
        check();
        listed += 1;
        yield key;
      }
    }
  }
}
