// Words for what `verifyShard` found.

import type { Arena } from './arena.js';

const FINDING_BYTES = 8;
const FINDINGS_LISTED_MAX = 64;

/** By code, in the order of assembly/verify.ts and the files beside it. */
const MESSAGES: readonly string[] = [
  '',
  'stripe is odd although nobody writes',
  'index entry refers to no item',
  'index entry refers to an item that is not live',
  'item lies in a shard that its hash does not name',
  'item is indexed in the wrong bucket',
  'tag differs from the hash of its item',
  'number of index entries differs from the number of items',
  'chain is too long or leaves the arena',
  'live item is not in the index',
  'queue is linked wrongly',
  'queue has another length than counted',
  'queue is out of order',
  'free list of a page is wrong',
  'sums of a size class are wrong',
  'page belongs elsewhere or free pages are counted wrongly',
  'timing wheel is linked wrongly',
  'timing wheel holds another number than counted',
  'item with an expiry is not on the wheel, or the reverse',
  'bytes in use are counted wrongly',
  'overflow buckets are counted wrongly',
  'page is on the wrong list',
  'shard holds more items than allowed',
  'tag has another name than its hash tells',
  'list of a tag is linked wrongly or holds another number than counted',
  'tag or page of tags is kept although nobody needs it',
  'table of tags is wrong',
  'page of tags is wrong',
  'tagged item names no tag of its shard and namespace',
  'leases are chained, counted or held wrongly',
  'item is on another queue than its flags say',
  'pages of the eviction policy are named wrongly',
];

function words(arena: Arena, count: number, address: number): string[] {
  const listed = Math.min(count, FINDINGS_LISTED_MAX);
  const findings: string[] = [];
  for (let index = 0; index < listed; index++) {
    const at = address + index * FINDING_BYTES;
    const code = arena.view.getUint32(at, true);
    const where = arena.view.getUint32(at + 4, true);
    findings.push(`${MESSAGES[code] ?? `finding ${code}`} (${where})`);
  }
  if (count > listed) findings.push(`and ${count - listed} more`);
  return findings;
}

/**
 * The broken invariants of a shard, empty when all hold. `reportAddress` names scratch memory of
 * 512 bytes. Nobody else may use the shard meanwhile.
 */
export function verifyShard(arena: Arena, shardIndex: number, reportAddress: number): string[] {
  const count = arena.core.verifyShard(shardIndex, reportAddress, FINDINGS_LISTED_MAX);
  return words(arena, count, reportAddress);
}

/** Only what a reader can reach: index references outside odd stripes. */
export function verifyReachable(arena: Arena, shardIndex: number, reportAddress: number): string[] {
  const count = arena.core.verifyIndexOnly(shardIndex, reportAddress, FINDINGS_LISTED_MAX);
  return words(arena, count, reportAddress);
}
