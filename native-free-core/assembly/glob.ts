// Glob patterns over keys: `*` any run, `?` one code point, `[a-z]` one of a class, `[^a-z]` and
// `[!a-z]` one outside of it, `\` takes the next character as it is; all else stands for itself.
//
// Two pointers and one mark: after a mismatch the last star takes one code point more, and what
// stands before it is never tried again, because the leftmost match of each run between two stars
// leaves the most for the rest. So there is no recursion and no backtracking over more than one
// star: the steps grow with key × pattern at most, whatever the pattern. A match can be left after
// any number of them and gone on with later.
//
// Text is UTF-8. What a pattern holds is not trusted: nothing outside of the two runs is read, and
// a class without an end matches nothing (the binding refuses such patterns with a reason).

const STAR: u32 = 0x2a;
const QUESTION: u32 = 0x3f;
const CLASS_OPEN: u32 = 0x5b;
const CLASS_CLOSE: u32 = 0x5d;
const ESCAPE: u32 = 0x5c;
const RANGE: u32 = 0x2d;
const NOT_CARET: u32 = 0x5e;
const NOT_BANG: u32 = 0x21;

/** Answers of `matchGlob`. */
export const GLOB_DIFFERS: u32 = 0;
export const GLOB_MATCHES: u32 = 1;
export const GLOB_PAUSED: u32 = 2;

/** Where a match was left. */
export let globState: u64 = 0;

/** Steps of all matches so far, modulo 2^32; an element that takes longer counts as several. */
export let globSteps: u32 = 0;

/** Where the element after the one that was matched begins, in text and pattern. */
let textNext: usize = 0;
let patternNext: usize = 0;
/** Where the code point after the decoded one begins. */
let decodedEnd: usize = 0;

/** Bytes of a code point, by its first byte; one for what cannot begin a code point. */
@inline
function codePointBytes(first: u32): usize {
  if (first < 0xc0) return 1;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** Where the next code point begins, at most at the end. */
@inline
function afterCodePoint(at: usize, end: usize): usize {
  return min<usize>(at + codePointBytes(load<u8>(at)), end);
}

/** The code point at an address before the end; a cut-off one counts as its first byte. */
function decode(at: usize, end: usize): u32 {
  const first: u32 = load<u8>(at);
  const bytes = codePointBytes(first);
  if (bytes == 1 || at + bytes > end) {
    decodedEnd = at + 1;
    return first;
  }
  decodedEnd = at + bytes;
  let point = first & (0x7f >>> <u32>bytes);
  for (let i: usize = 1; i < bytes; i++) point = (point << 6) | (load<u8>(at + i) & 0x3f);
  return point;
}

/** One character of a class, escaped or not. */
@inline
function decodeMember(at: usize, end: usize): u32 {
  const isEscaped = load<u8>(at) == ESCAPE && at + 1 < end;
  return decode(isEscaped ? at + 1 : at, end);
}

/** Whether the class that begins at `pattern` holds the code point at `text`. */
function matchClass(text: usize, textEnd: usize, pattern: usize, patternEnd: usize): bool {
  const point = decode(text, textEnd);
  textNext = decodedEnd;
  let at = pattern + 1;
  const isNegated = at < patternEnd && (load<u8>(at) == NOT_CARET || load<u8>(at) == NOT_BANG);
  if (isNegated) at += 1;
  let isMember = false;
  while (at < patternEnd && load<u8>(at) != CLASS_CLOSE) {
    globSteps += 2;
    const low = decodeMember(at, patternEnd);
    let high = low;
    at = decodedEnd;
    // A dash before the end of the class stands for itself.
    if (at + 1 < patternEnd && load<u8>(at) == RANGE && load<u8>(at + 1) != CLASS_CLOSE) {
      high = decodeMember(at + 1, patternEnd);
      at = decodedEnd;
    }
    if (low <= point && point <= high) isMember = true;
  }
  patternNext = at + 1;
  return at < patternEnd && isMember != isNegated;
}

/** Whether the element at `pattern`, one with a meaning of its own, matches at `text`. */
function matchSpecial(text: usize, textEnd: usize, pattern: usize, patternEnd: usize): bool {
  globSteps += 1;
  const element: u32 = load<u8>(pattern);
  if (element == CLASS_OPEN) return matchClass(text, textEnd, pattern, patternEnd);
  if (element == QUESTION) {
    textNext = afterCodePoint(text, textEnd);
    patternNext = pattern + 1;
    return true;
  }
  const literal = pattern + 1 < patternEnd ? pattern + 1 : pattern;
  textNext = text + 1;
  patternNext = literal + 1;
  return load<u8>(text) == load<u8>(literal);
}

@inline
function isSpecial(element: u32): bool {
  return element == QUESTION || element == CLASS_OPEN || element == ESCAPE;
}

/** Leaves a match after `stepsMax` steps: four offsets of 16 bits. */
function pause(at: u64, inPattern: u64, afterStar: u64, retry: u64): u32 {
  globState = at | (inPattern << 16) | (afterStar << 32) | (retry << 48);
  return GLOB_PAUSED;
}

/**
 * Compares the whole text with the pattern, at most `stepsMax` steps and a class at a time. Begins
 * with state 0; PAUSED leaves in `globState` the state with which it goes on.
 */
export function matchGlob(
  text: usize,
  textBytes: u32,
  pattern: usize,
  patternBytes: u32,
  state: u64,
  stepsMax: u32,
): u32 {
  const textEnd = text + textBytes;
  const patternEnd = pattern + patternBytes;
  let at = text + <usize>(state & 0xffff);
  let element = pattern + <usize>((state >> 16) & 0xffff);
  // 0 = no star yet; the first one ends at 1.
  let afterStar = <usize>((state >> 32) & 0xffff);
  let retry = text + <usize>(state >> 48);
  const end = globSteps + stepsMax;
  while (true) {
    globSteps += 1;
    if (<i32>(globSteps - end) > 0) {
      return pause(at - text, element - pattern, afterStar, retry - text);
    }
    if (element < patternEnd) {
      const first: u32 = load<u8>(element);
      if (first == STAR) {
        element += 1;
        if (element == patternEnd) return GLOB_MATCHES;
        afterStar = element - pattern;
        retry = at;
        continue;
      }
      // With nothing left of the text a star that took more would leave even less.
      if (at == textEnd) return GLOB_DIFFERS;
      // Literals are compared byte by byte: UTF-8 has no two readings.
      if (!isSpecial(first)) {
        if (load<u8>(at) == first) {
          at += 1;
          element += 1;
          continue;
        }
      } else if (matchSpecial(at, textEnd, element, patternEnd)) {
        at = textNext;
        element = patternNext;
        continue;
      }
    } else if (at == textEnd) {
      return GLOB_MATCHES;
    }
    if (afterStar == 0) return GLOB_DIFFERS;
    retry = afterCodePoint(retry, textEnd);
    at = retry;
    element = pattern + afterStar;
  }
}

/** For tests: twice the steps that a match took, plus 1 when the text matches. */
export function selfGlob(
  text: usize,
  textBytes: u32,
  pattern: usize,
  patternBytes: u32,
  stepsMax: u32,
): u32 {
  const before = globSteps;
  let answer = matchGlob(text, textBytes, pattern, patternBytes, 0, stepsMax);
  while (answer == GLOB_PAUSED) {
    answer = matchGlob(text, textBytes, pattern, patternBytes, globState, stepsMax);
  }
  return ((globSteps - before) << 1) | (answer == GLOB_MATCHES ? 1 : 0);
}
