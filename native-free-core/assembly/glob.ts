// Glob patterns over keys: `*` any run, `?` one code point, `[a-z]` one of a class, `[^a-z]` and
// `[!a-z]` one outside of it, `\` takes the next character as it is; all else stands for itself.
//
// Two pointers and one mark: after a mismatch the last star takes one code point more, and what
// stands before it is never tried again, because the leftmost match of each run between two stars
// leaves the most for the rest. So there is no recursion and no backtracking over more than one
// star: at most key × pattern steps, and no memory.
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

/** Steps of all matches so far, modulo 2^32: what bounds a slice of a scan. */
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
    globSteps += 1;
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

/** Whether the element at `pattern`, no star, matches at `text`; sets where both go on. */
@inline
function matchElement(text: usize, textEnd: usize, pattern: usize, patternEnd: usize): bool {
  const element: u32 = load<u8>(pattern);
  if (element == CLASS_OPEN) return matchClass(text, textEnd, pattern, patternEnd);
  if (element == QUESTION) {
    textNext = afterCodePoint(text, textEnd);
    patternNext = pattern + 1;
    return true;
  }
  // Literals are compared byte by byte: UTF-8 has no two readings.
  const isEscaped = element == ESCAPE && pattern + 1 < patternEnd;
  const literal = isEscaped ? pattern + 1 : pattern;
  textNext = text + 1;
  patternNext = literal + 1;
  return load<u8>(text) == load<u8>(literal);
}

/** Whether the whole text matches the pattern. */
export function matchesGlob(
  text: usize,
  textBytes: u32,
  pattern: usize,
  patternBytes: u32,
): bool {
  const textEnd = text + textBytes;
  const patternEnd = pattern + patternBytes;
  let afterStar: usize = 0;
  let retry: usize = 0;
  while (true) {
    globSteps += 1;
    if (pattern < patternEnd && load<u8>(pattern) == STAR) {
      pattern += 1;
      if (pattern == patternEnd) return true;
      afterStar = pattern;
      retry = text;
      continue;
    }
    // With nothing left of the text a star that took more would leave even less.
    if (text == textEnd) return pattern == patternEnd;
    if (pattern < patternEnd && matchElement(text, textEnd, pattern, patternEnd)) {
      text = textNext;
      pattern = patternNext;
      continue;
    }
    if (afterStar == 0) return false;
    retry = afterCodePoint(retry, textEnd);
    text = retry;
    pattern = afterStar;
  }
}

/** For tests: twice the steps that a match took, plus 1 when the text matches. */
export function selfGlob(text: usize, textBytes: u32, pattern: usize, patternBytes: u32): u32 {
  const before = globSteps;
  const isMatch = matchesGlob(text, textBytes, pattern, patternBytes);
  return ((globSteps - before) << 1) | (isMatch ? 1 : 0);
}
