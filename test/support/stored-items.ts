/** The live items of an arena as they lie in its pages, whatever index and lists say. */
import {
  CLASS_LARGE,
  HEADER_CLASS_CHUNKS,
  HEADER_CLASS_STRIDES,
  ITEM_CLASS,
  ITEM_CONTENT_TYPE_BYTES,
  ITEM_EPOCH,
  ITEM_EXPIRY_MS,
  ITEM_FLAGS,
  ITEM_KEY,
  ITEM_KEY_BYTES,
  ITEM_LIVE,
  ITEM_NAMESPACE,
  ITEM_STALE,
  ITEM_STATE,
  ITEM_TAGGED,
  ITEM_VALUE_BYTES,
  PAGE_LARGE_HEAD,
  PAGE_SLAB,
  PAGE_STATE,
} from '../../native-free-core/assembly/layout.js';
import type { CoreArena } from './core-arena.js';

export interface StoredItem {
  readonly address: number;
  readonly shard: number;
  readonly key: string;
  readonly namespaceId: number;
  readonly epoch: number;
  readonly expiryMs: number;
  readonly isStale: boolean;
  readonly isTagged: boolean;
  readonly isLarge: boolean;
  readonly valueBytes: number;
  /** Address of the first byte of the value. */
  readonly valueAddress: number;
}

function readItem(arena: CoreArena, address: number, shard: number): StoredItem {
  const { view, bytes } = arena;
  const keyBytes = view.getUint16(address + ITEM_KEY_BYTES, true);
  const flags = view.getUint8(address + ITEM_FLAGS);
  const key = address + ITEM_KEY;
  return {
    address,
    shard,
    key: Buffer.from(bytes.slice(key, key + keyBytes)).toString(),
    namespaceId: view.getUint16(address + ITEM_NAMESPACE, true),
    epoch: view.getUint32(address + ITEM_EPOCH, true),
    expiryMs: view.getFloat64(address + ITEM_EXPIRY_MS, true),
    isStale: (flags & ITEM_STALE) !== 0,
    isTagged: (flags & ITEM_TAGGED) !== 0,
    isLarge: view.getUint8(address + ITEM_CLASS) === CLASS_LARGE,
    valueBytes: view.getUint32(address + ITEM_VALUE_BYTES, true),
    valueAddress: key + keyBytes + view.getUint8(address + ITEM_CONTENT_TYPE_BYTES),
  };
}

/** Every live item, of cleared namespaces and past its time too. */
export function storedItems(arena: CoreArena): StoredItem[] {
  const { view, plan } = arena;
  const items: StoredItem[] = [];
  for (let page = 0; page < plan.pageCount; page++) {
    const state = view.getUint32(arena.pageEntry(page) + PAGE_STATE, true);
    const kind = state >>> 24;
    const shard = (state >>> 8) & 0xff;
    const start = arena.pageAddress(page);
    const sizeClass = (state >>> 16) & 0xff;
    const isSlab = kind === PAGE_SLAB;
    if (!isSlab && kind !== PAGE_LARGE_HEAD) continue;
    const chunks = isSlab ? view.getUint32(HEADER_CLASS_CHUNKS + sizeClass * 4, true) : 1;
    const stride = isSlab ? view.getUint32(HEADER_CLASS_STRIDES + sizeClass * 4, true) : 0;
    for (let index = 0; index < chunks; index++) {
      const address = start + index * stride;
      if (view.getUint32(address + ITEM_STATE, true) === ITEM_LIVE) {
        items.push(readItem(arena, address, shard));
      }
    }
  }
  return items;
}
