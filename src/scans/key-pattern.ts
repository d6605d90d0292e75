import { describeValue } from '../describe-value.js';
import { invalidOptions, invalidPattern } from '../errors.js';
import { KEY_BYTES_MAX } from '../keys/key-encoder.js';
import { isWellFormed } from '../well-formed.js';

/** The longest glob, in bytes of UTF-8. */
export const GLOB_BYTES_MAX = 256;

/** Which keys a scan is about. */
export interface KeyPattern {
  readonly isGlob: boolean;
  /** As the caller wrote it. */
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** Keys that `keys()` lists: those with a prefix, those that match a glob. */
export type KeyFilter = { readonly prefix: string } | { readonly glob: string };

const ALL_KEYS: KeyPattern = { isGlob: false, text: '', bytes: new Uint8Array(0) };

/** @throws {CacheError} `ERR_CACHE_INVALID_PATTERN` */
export function prefixPattern(prefix: unknown): KeyPattern {
  return { isGlob: false, ...encodePattern('prefix', prefix, KEY_BYTES_MAX) };
}

/** @throws {CacheError} `ERR_CACHE_INVALID_PATTERN`, with the position of what is wrong */
export function globPattern(glob: unknown): KeyPattern {
  const encoded = encodePattern('glob', glob, GLOB_BYTES_MAX);
  const problem = findProblem(encoded.text);
  if (problem !== undefined) throw invalidPattern('glob', problem);
  return { isGlob: true, ...encoded };
}

/**
 * @throws {CacheError} `ERR_CACHE_INVALID_PATTERN`; `ERR_CACHE_INVALID_OPTIONS` when the filter is
 * neither absent, nor a prefix, nor a glob
 */
export function filterPattern(filter: unknown): KeyPattern {
  if (filter === undefined) return ALL_KEYS;
  const names = typeof filter === 'object' && filter !== null ? Object.keys(filter) : [];
  if (names.length === 1) {
    if (names[0] === 'prefix') return prefixPattern((filter as { prefix: unknown }).prefix);
    if (names[0] === 'glob') return globPattern((filter as { glob: unknown }).glob);
  }
  const given = names.length > 0 ? `{ ${names.join(', ')} }` : describeValue(filter);
  throw invalidOptions('keys', [`filter: must be { prefix } or { glob }, not ${given}`]);
}

function encodePattern(
  subject: string,
  text: unknown,
  bytesMax: number,
): Pick<KeyPattern, 'text' | 'bytes'> {
  if (typeof text !== 'string') {
    throw invalidPattern(subject, `must be a string, not ${describeValue(text)}`);
  }
  if (text === '') throw invalidPattern(subject, 'must not be empty; clear() removes everything');
  if (!isWellFormed(text)) throw invalidPattern(subject, 'is not well-formed UTF-16');
  const byteLength = Buffer.byteLength(text);
  if (byteLength > bytesMax) {
    const problem = `is too long: ${byteLength} bytes of UTF-8, at most ${bytesMax}`;
    throw invalidPattern(subject, problem);
  }
  return { text, bytes: Buffer.from(text) };
}

/** What is wrong with a glob, by the grammar of native-free-core/assembly/glob.ts. */
function findProblem(glob: string): string | undefined {
  for (let at = 0; at < glob.length; at++) {
    const character = glob[at];
    if (character === '{') {
      return `has '{' at ${at}: there are no alternatives; write '\\{' for the character`;
    }
    if (character === '\\') {
      if (at + 1 === glob.length) return `ends with '\\' at ${at}, which escapes nothing`;
      at += 1;
    } else if (character === '[') {
      const end = readClass(glob, at);
      if (typeof end === 'string') return end;
      at = end;
    }
  }
  return undefined;
}

/** Index of the bracket that closes the class which begins at `start`, or what is wrong with it. */
function readClass(glob: string, start: number): number | string {
  let at = start + 1;
  if (glob[at] === '^' || glob[at] === '!') at += 1;
  const first = at;
  while (at < glob.length && glob[at] !== ']') {
    const low = readMember(glob, at);
    if (low === undefined) break;
    const from = at;
    at = low.end;
    if (glob[at] !== '-' || at + 1 >= glob.length || glob[at + 1] === ']') continue;
    const high = readMember(glob, at + 1);
    if (high === undefined) break;
    if (high.point < low.point) {
      return `has a range at ${from} that ends before it begins: '${glob.slice(from, high.end)}'`;
    }
    at = high.end;
  }
  if (glob[at] !== ']') return `has '[' at ${start} without its ']'`;
  if (at === first) return `has an empty class at ${start}; write '\\]' for a bracket in a class`;
  return at;
}

/** A member of a class, escaped or not; undefined for a backslash at the end. */
function readMember(
  glob: string,
  at: number,
): { readonly point: number; readonly end: number } | undefined {
  const begin = glob[at] === '\\' ? at + 1 : at;
  const point = glob.codePointAt(begin);
  if (point === undefined) return undefined;
  return { point, end: begin + (point > 0xffff ? 2 : 1) };
}
