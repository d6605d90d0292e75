import { FLAG_KEEP_TTL, OP_INCREMENT } from '../../native-free-core/assembly/layout.js';
import { ENCODING_JSON } from '../codec/codec.js';
import { describeValue } from '../describe-value.js';
import { type Duration, parseExpiry } from '../duration.js';
import { invalidOptions } from '../errors.js';
import { nearestName } from '../nearest-name.js';
import type { Command } from '../writes/command.js';

/** Options of `increment`. */
export interface IncrementOptions {
  /** What a key that is not there counts from, a safe integer. Default 0. */
  readonly initial?: number;
  /**
   * Time to live from now on. Default: a key that is there keeps its own, a new one gets the
   * engine's `defaultTtl`.
   */
  readonly ttl?: Duration | 'never';
}

const KNOWN_NAMES: readonly string[] = ['initial', 'ttl'];

/**
 * Makes a draft the command that adds to a number; key and namespace are the caller's to fill in.
 *
 * @throws {CacheError} `ERR_CACHE_INVALID_OPTIONS`, `ERR_CACHE_INVALID_TTL`
 */
export function fillIncrement(
  command: Command,
  by: number,
  options: IncrementOptions,
  defaultTtlMs: number,
): void {
  checkNames(options);
  const { initial = 0, ttl } = options;
  checkInteger(by, 'by');
  checkInteger(initial, 'initial');
  const ttlMs = ttl === undefined ? defaultTtlMs : parseExpiry(ttl, 'ttl');
  command.opcode = OP_INCREMENT;
  // The holder puts the sum in its place: what is stored is the text of a number, as `set` does.
  command.payload = String(initial);
  command.encoding = ENCODING_JSON;
  command.guard = by;
  command.flags = ttl === undefined ? FLAG_KEEP_TTL : 0;
  command.ttlMs = ttlMs;
}

function checkNames(options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const problem = `options: must be an object such as { initial: 100 }, not ${describeValue(options)}`;
    throw invalidOptions('increment', [problem]);
  }
  for (const name in options) {
    if (KNOWN_NAMES.includes(name)) continue;
    const nearest = nearestName(name, KNOWN_NAMES);
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    throw invalidOptions('increment', [`${name}: is no option of increment${hint}`]);
  }
}

function checkInteger(value: unknown, field: string): void {
  if (Number.isSafeInteger(value)) return;
  throw invalidOptions('increment', [`${field}: ${describeValue(value)} is no safe integer`]);
}
