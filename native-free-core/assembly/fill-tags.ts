// Whether a tag of a fill was invalidated after its lease was granted. The names lie in the record,
// or in the staged pages behind those of the value and its tag block. Holder only.

import { pageShift } from "./arena";
import { invalidationNumber, isTagNewer } from "./invalidations";
import {
  FLAG_TAGGED,
  ITEM_HEAD_BYTES,
  NAME_BYTES,
  NAME_TEXT,
  PAGE_NEXT,
  RECORD_CONTENT_TYPE_BYTES,
  RECORD_FLAGS,
  RECORD_KEY_BYTES,
  RECORD_NAMESPACE,
  RECORD_PAGES,
  RECORD_VALUE_BYTES,
} from "./layout";
import { NO_PAGE, pageEntry } from "./pages";
import { largeBlockOffset } from "./tag-block";
import { areStaged, nextName, openNames } from "./tag-names";
import { namesOf } from "./tagging";
import { tagHash } from "./tags";

/** First page of names that are staged: behind the one with the tag block. */
function pageOfNames(record: usize): u32 {
  const content =
    ITEM_HEAD_BYTES +
    load<u16>(record + RECORD_KEY_BYTES) +
    load<u8>(record + RECORD_CONTENT_TYPE_BYTES) +
    load<u32>(record + RECORD_VALUE_BYTES);
  let page = load<u32>(record + RECORD_PAGES) - 1;
  for (let left = (largeBlockOffset(content) >> pageShift) + 1; left != 0; left--) {
    page = load<u32>(pageEntry(page) + PAGE_NEXT) - 1;
  }
  return page;
}

/** True when a tag of the set in a record was invalidated after `number`. */
export function hasNewerTag(record: usize, number: u64): bool {
  if ((load<u8>(record + RECORD_FLAGS) & FLAG_TAGGED) == 0) return false;
  // No tag at all was invalidated since.
  if (invalidationNumber() == number) return false;
  const names = namesOf(record);
  const namespaceId = load<u16>(record + RECORD_NAMESPACE);
  const count = openNames(names, areStaged(names) ? pageOfNames(record) : NO_PAGE);
  for (let i: u32 = 0; i < count; i++) {
    const name = nextName();
    const hash = tagHash(name + NAME_TEXT, load<u16>(name + NAME_BYTES), namespaceId);
    if (isTagNewer(hash, number)) return true;
  }
  return false;
}
