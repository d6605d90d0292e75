/** Bytes of items where they lie: in one chunk, or in the pages of a large value. */
import { ITEM_KEY, PAGE_NEXT } from '../../native-free-core/assembly/layout.js';
import type { ArenaPlan } from '../../native-free-core/plan.js';

/** What a thread needs of the arena that it is attached to. */
export interface ThreadHome {
  readonly plan: ArenaPlan;
  readonly hashSeed: bigint;
  readonly clock: { nowMs(): number };
  readonly bytes: Uint8Array;
  readonly view: DataView;
  pageOf(address: number): number;
  pageAddress(page: number): number;
  pageEntry(page: number): number;
}

/** Writes key, content type and value of a large item into its staged pages. */
export function fillPages(home: ThreadHome, firstPage: number, bytes: Uint8Array): void {
  let next = firstPage;
  let done = 0;
  let offset = ITEM_KEY;
  while (done < bytes.length) {
    if (next === 0) throw new Error('too few pages were staged');
    const end = Math.min(bytes.length, done + home.plan.pageBytes - offset);
    home.bytes.set(bytes.subarray(done, end), home.pageAddress(next - 1) + offset);
    done = end;
    offset = 0;
    next = home.view.getUint32(home.pageEntry(next - 1) + PAGE_NEXT, true);
  }
  if (next !== 0) throw new Error('too many pages were staged');
}

/** Bytes from an address on; a large value goes on at the start of each further page. */
export function gatherBytes(
  home: ThreadHome,
  first: number,
  bytes: number,
  large: boolean,
): Uint8Array {
  if (!large) return home.bytes.slice(first, first + bytes);
  const result = new Uint8Array(bytes);
  let page = home.pageOf(first);
  let offset = first - home.pageAddress(page);
  let done = 0;
  while (done < bytes) {
    const end = Math.min(bytes, done + home.plan.pageBytes - offset);
    const start = home.pageAddress(page) + offset;
    result.set(home.bytes.subarray(start, start + end - done), done);
    done = end;
    offset = 0;
    if (done === bytes) break;
    page = home.view.getUint32(home.pageEntry(page) + PAGE_NEXT, true) - 1;
    if (page < 0) throw new Error('the pages of a large value end too early');
  }
  return result;
}
