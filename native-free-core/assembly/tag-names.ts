// Names of tags as a record carries them (layout.ts): behind other bytes of the record, or in
// staged pages when they do not fit. A walk goes from name to name. Holder only.

import { pageBytes } from "./arena";
import {
  NAME_BYTES,
  NAME_TEXT,
  NAMES_COUNT,
  NAMES_FIRST,
  NAMES_PLACE,
  NAMES_STAGED,
  PAGE_NEXT,
  TAGS_MAX,
} from "./layout";
import { NO_PAGE, pageAddress, pageEntry } from "./pages";

let nextAt: usize = 0;
/** Page of the next name while names are staged, else NO_PAGE. */
let nextPage: u32 = 0xffffffff;

@inline
export function areStaged(names: usize): bool {
  return load<u8>(names + NAMES_PLACE) == NAMES_STAGED;
}

/** Begins a walk; the number of names. `stagedPage` is the first page of names that are staged. */
export function openNames(names: usize, stagedPage: u32): u32 {
  nextPage = areStaged(names) ? stagedPage : NO_PAGE;
  nextAt = areStaged(names) ? pageAddress(stagedPage) : names + NAMES_FIRST;
  return min<u32>(load<u8>(names + NAMES_COUNT), TAGS_MAX);
}

/** The next name (NAME_* fields); there must be one. */
export function nextName(): usize {
  if (nextPage != NO_PAGE) {
    const isOver = nextAt + NAME_TEXT > pageAddress(nextPage) + pageBytes;
    if (isOver || load<u16>(nextAt + NAME_BYTES) == 0) {
      nextPage = load<u32>(pageEntry(nextPage) + PAGE_NEXT) - 1;
      nextAt = pageAddress(nextPage);
    }
  }
  const name = nextAt;
  nextAt += NAME_TEXT + load<u16>(name + NAME_BYTES);
  return name;
}
