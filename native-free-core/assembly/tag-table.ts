// From a tag's name to the tag: chains by hash, which grow one by one (linear hashing, W. Litwin,
// VLDB 1980) over whole pages of chain heads. The pages are taken with the first tag and given
// back with the last. Names are compared, not hashes. Holder only.

import { pageShift, toAddress, toReference } from "./arena";
import { equalBytes } from "./bytes";
import {
  PAGE_TAG,
  SHARD_TAG_CHAINS,
  SHARD_TAG_SEGMENTS,
  SHARD_TAGS,
  TAG_HASH,
  TAG_NAME,
  TAG_NAME_BYTES,
  TAG_NAMESPACE,
  TAG_NEXT,
  TAG_SEGMENTS_MAX,
  TAG_TABLE_CLASS,
} from "./layout";
import { givePage, markPage, NO_PAGE, pageAddress, pageOf, takePage } from "./pages";
import { put32, zero } from "./store";
import { bucketNumber } from "./table";
import { countTagPages } from "./tag-pages";

/** Chains of a new table; the smallest page has room for more. */
const CHAINS_FIRST: u32 = 64;

@inline
function segmentOf(shard: usize, index: u32): usize {
  return shard + SHARD_TAG_SEGMENTS + index * 4;
}

/** Address of the head of a chain. */
@inline
export function chainHead(shard: usize, chain: u32): usize {
  const shift = pageShift - 2;
  const segment = <usize>load<u32>(segmentOf(shard, chain >> shift));
  return segment + ((chain & ((1 << shift) - 1)) << 2);
}

@inline
export function chainOf(shard: usize, hash: u64): usize {
  return chainHead(shard, bucketNumber(hash, load<u32>(shard + SHARD_TAG_CHAINS)));
}

@inline
export function hasTable(shard: usize): bool {
  return load<u32>(shard + SHARD_TAG_CHAINS) != 0;
}

/** Makes a page that was taken from the free list the first one of the table. */
export function openTable(shard: usize, page: u32): void {
  addSegment(shard, page, 0);
  resetChains(shard);
}

function addSegment(shard: usize, page: u32, index: u32): void {
  markPage(shard, page, PAGE_TAG, TAG_TABLE_CLASS, 0);
  countTagPages(shard, 1);
  put32(segmentOf(shard, index), <u32>pageAddress(page));
}

/** Empties the table down to its first chains. */
function resetChains(shard: usize): void {
  zero(load<u32>(segmentOf(shard, 0)), CHAINS_FIRST * 4);
  put32(shard + SHARD_TAG_CHAINS, CHAINS_FIRST);
  put32(shard + SHARD_TAGS, 0);
}

/** Gives the pages of a table without tags back. */
export function closeTable(shard: usize): void {
  put32(shard + SHARD_TAG_CHAINS, 0);
  for (let i: u32 = 0; i < TAG_SEGMENTS_MAX; i++) {
    const segment = load<u32>(segmentOf(shard, i));
    if (segment == 0) continue;
    put32(segmentOf(shard, i), 0);
    countTagPages(shard, -1);
    givePage(shard, pageOf(segment));
  }
}

/** The tag of that name; 0 when no item of the shard has it. */
export function findTag(
  shard: usize,
  hash: u64,
  namespaceId: u32,
  name: usize,
  nameBytes: u32,
): usize {
  if (!hasTable(shard)) return 0;
  let reference = load<u32>(chainOf(shard, hash));
  while (reference != 0) {
    const tag = toAddress(reference);
    if (
      load<u64>(tag + TAG_HASH) == hash &&
      load<u16>(tag + TAG_NAMESPACE) == namespaceId &&
      load<u16>(tag + TAG_NAME_BYTES) == nameBytes &&
      equalBytes(tag + TAG_NAME, name, nameBytes)
    ) {
      return tag;
    }
    reference = load<u32>(tag + TAG_NEXT);
  }
  return 0;
}

/** Puts a complete tag on its chain. */
export function insertTag(shard: usize, tag: usize): void {
  const head = chainOf(shard, load<u64>(tag + TAG_HASH));
  put32(tag + TAG_NEXT, load<u32>(head));
  put32(head, toReference(tag));
  put32(shard + SHARD_TAGS, load<u32>(shard + SHARD_TAGS) + 1);
  if (load<u32>(shard + SHARD_TAGS) > load<u32>(shard + SHARD_TAG_CHAINS)) growTable(shard);
}

/** Takes a tag off its chain. */
export function removeTag(shard: usize, tag: usize): void {
  const reference = toReference(tag);
  let at = chainOf(shard, load<u64>(tag + TAG_HASH));
  while (load<u32>(at) != reference) at = toAddress(load<u32>(at)) + TAG_NEXT;
  put32(at, load<u32>(tag + TAG_NEXT));
  put32(shard + SHARD_TAGS, load<u32>(shard + SHARD_TAGS) - 1);
}

/** Splits the chain whose turn it is; without memory for one more, chains become longer. */
function growTable(shard: usize): void {
  const number = load<u32>(shard + SHARD_TAG_CHAINS);
  const index = number >> (pageShift - 2);
  if (index >= TAG_SEGMENTS_MAX) return;
  if (load<u32>(segmentOf(shard, index)) == 0) {
    // Nothing is evicted for it: who wants a tag may hold addresses of others.
    const page = takePage(shard);
    if (page == NO_PAGE) return;
    addSegment(shard, page, index);
  }
  const source = chainHead(shard, number & (0x7fffffff >>> clz<u32>(number)));
  const target = chainHead(shard, number);
  put32(target, 0);
  put32(shard + SHARD_TAG_CHAINS, number + 1);
  let at = source;
  while (load<u32>(at) != 0) {
    const tag = toAddress(load<u32>(at));
    if (bucketNumber(load<u64>(tag + TAG_HASH), number + 1) == number) {
      put32(at, load<u32>(tag + TAG_NEXT));
      put32(tag + TAG_NEXT, load<u32>(target));
      put32(target, toReference(tag));
    } else {
      at = tag + TAG_NEXT;
    }
  }
}

/** Recovery: forgets the table; `adoptSegment` names its pages again. */
export function forgetTable(shard: usize): void {
  put32(shard + SHARD_TAG_CHAINS, 0);
  put32(shard + SHARD_TAGS, 0);
  for (let i: u32 = 0; i < TAG_SEGMENTS_MAX; i++) put32(segmentOf(shard, i), 0);
}

/** Recovery: takes over a page of chain heads, whatever it holds. */
export function adoptSegment(shard: usize, page: u32, index: u32): void {
  addSegment(shard, page, index);
  if (index == 0) resetChains(shard);
}
