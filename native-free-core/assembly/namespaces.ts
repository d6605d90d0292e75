// Namespace registry: 4,096 names and the nameless one, append only, never evicted. An item
// carries the epoch of its namespace; clearing a namespace is one addition to that epoch.
//
// Appending needs no lock: the name's bytes are claimed and written first, then the entry's NAME
// word is set by compare-and-swap. Two threads that append the same name meet at the same entry:
// the loser reads the winner's name there.

import { namespaces } from "./arena";
import { equalBytes } from "./bytes";
import {
  HEADER_CLEARS,
  HEADER_NAMES,
  HEADER_NAMES_BYTES,
  HEADER_NAMES_USED,
  HEADER_NAMESPACE_COUNT,
  NAMESPACE_BYTES,
  NAMESPACE_EPOCH,
  NAMESPACE_MAX,
  NAMESPACE_NAME,
} from "./layout";
import { STATUS_TOO_MANY_NAMESPACES } from "./status";
import { add32, put8, swap32 } from "./store";

@inline
function entryOf(id: u32): usize {
  return namespaces + id * NAMESPACE_BYTES;
}

/** Present epoch of a namespace. */
@inline
export function namespaceEpoch(id: u32): u32 {
  return load<u32>(entryOf(id) + NAMESPACE_EPOCH);
}

/** Makes every entry of the namespace invisible; the sweep frees them later. */
export function clearNamespace(id: u32): void {
  add32(entryOf(id) + NAMESPACE_EPOCH, 1);
  add32(HEADER_CLEARS, 1);
}

function hasName(id: u32, name: usize, bytes: u32): bool {
  const at = load<u32>(HEADER_NAMES) + load<u32>(entryOf(id) + NAMESPACE_NAME) - 1;
  return load<u8>(at) == bytes && equalBytes(at + 1, name, bytes);
}

/** Writes a name to the names area; its offset + 1, or 0 when the area is full. */
function storeName(name: usize, bytes: u32): u32 {
  const size = bytes + 1;
  let used = atomic.load<u32>(HEADER_NAMES_USED);
  while (used + size <= load<u32>(HEADER_NAMES_BYTES)) {
    const seen = swap32(HEADER_NAMES_USED, used, used + size);
    if (seen == used) {
      const at = <usize>load<u32>(HEADER_NAMES) + used;
      put8(at, bytes);
      for (let i: u32 = 0; i < bytes; i++) put8(at + 1 + i, load<u8>(name + i));
      return used + 1;
    }
    used = seen;
  }
  return 0;
}

/** Id of a name, appended when it is new; STATUS_TOO_MANY_NAMESPACES when there is no room. */
export function registerNamespace(name: usize, bytes: u32): i32 {
  let stored: u32 = 0;
  for (let id: u32 = 0; id < NAMESPACE_MAX; id++) {
    const word = entryOf(id) + NAMESPACE_NAME;
    if (atomic.load<u32>(word) == 0) {
      if (stored == 0) stored = storeName(name, bytes);
      if (stored == 0) return STATUS_TOO_MANY_NAMESPACES;
      const seen = swap32(word, 0, stored);
      if (seen == 0) {
        add32(HEADER_NAMESPACE_COUNT, 1);
        return <i32>id;
      }
    }
    if (hasName(id, name, bytes)) return <i32>id;
  }
  return STATUS_TOO_MANY_NAMESPACES;
}

/** Id of a name that was registered before; STATUS_TOO_MANY_NAMESPACES when there is none. */
export function findNamespace(name: usize, bytes: u32): i32 {
  for (let id: u32 = 0; id < NAMESPACE_MAX; id++) {
    if (atomic.load<u32>(entryOf(id) + NAMESPACE_NAME) == 0) break;
    if (hasName(id, name, bytes)) return <i32>id;
  }
  return STATUS_TOO_MANY_NAMESPACES;
}
