import { ClientError } from './client-error.js';
import { checkKey } from './client-key.js';
import { checkNames, checkSignal, refuse } from './client-options.js';
import { type ClientTtl, readTtl } from './client-ttl.js';
import type { InvalidationTarget, Selection } from './operations.js';

/** Options of every call. */
export interface CallOptions {
  /** Ends this caller's wait: its promise rejects with `ERR_CLIENT_ABORTED`. */
  readonly signal?: AbortSignal;
}

/** Options of a write of many entries. */
export interface ClientStoreOptions extends CallOptions {
  /**
   * Time to live: milliseconds, text such as `'5m'`, or `'never'`. Default: that of the service.
   * Over HTTP it is rounded up to whole seconds.
   */
  readonly ttl?: ClientTtl;
  /** Names by which `invalidate({ tag })` finds the entry. Default: none. */
  readonly tags?: readonly string[];
}

/** Options of one write. */
export interface ClientSetOptions extends ClientStoreOptions {
  /** Store only when the key is absent, or only when it is present. Default: always. */
  readonly only?: 'absent' | 'present';
}

/** What the options of a write mean. */
export interface ResolvedStore {
  readonly ttlMs: number | 'never' | undefined;
  readonly tags: readonly string[];
  readonly only: 'absent' | 'present' | undefined;
  readonly signal: AbortSignal | undefined;
}

const CALL_NAMES = ['signal'];
const STORE_NAMES = ['ttl', 'tags', 'signal'];
const TARGET_NAMES = ['prefix', 'glob', 'tag', 'keys'];

/** @throws {ClientError} `ERR_CLIENT_INVALID_OPTIONS` */
export function readCallOptions(options: CallOptions): AbortSignal | undefined {
  checkNames('options', options, CALL_NAMES);
  checkSignal(options.signal);
  return options.signal;
}

/**
 * @param takesOnly whether the write may have a condition
 * @throws {ClientError} `ERR_CLIENT_INVALID_OPTIONS`, `ERR_CLIENT_INVALID_KEY` for a tag
 */
export function readStoreOptions(options: ClientSetOptions, takesOnly: boolean): ResolvedStore {
  checkNames('options', options, takesOnly ? [...STORE_NAMES, 'only'] : STORE_NAMES);
  const { ttl, tags = [], only, signal } = options;
  checkSignal(signal);
  if (only !== undefined && only !== 'absent' && only !== 'present') {
    refuse('only', "must be 'absent' or 'present'");
  }
  checkTexts('tags', tags);
  return { ttlMs: ttl === undefined ? undefined : readTtl(ttl), tags: [...tags], only, signal };
}

/** @throws {ClientError} `ERR_CLIENT_INVALID_OPTIONS`, `ERR_CLIENT_INVALID_KEY` */
export function checkTarget(target: InvalidationTarget): void {
  checkNames('target', target, [...TARGET_NAMES, 'confirm']);
  const given = TARGET_NAMES.filter((name) => name in target);
  if (given.length !== 1) refuse('target', 'must name one of prefix, glob, tag and keys');
  if ('keys' in target) checkTexts('keys', target.keys);
  else if ('prefix' in target) checkKey(target.prefix, 'prefix');
  else if ('tag' in target) checkKey(target.tag, 'tag');
  else checkKey(target.glob, 'glob');
}

/** @throws {ClientError} `ERR_CLIENT_INVALID_OPTIONS`, `ERR_CLIENT_INVALID_KEY` */
export function checkSelection(selection: Selection): void {
  checkNames('selection', selection, ['keys', 'prefixes', 'tags', 'all']);
  const { keys = [], prefixes = [], tags = [], all } = selection;
  checkTexts('keys', keys);
  checkTexts('prefixes', prefixes);
  checkTexts('tags', tags);
  if (all !== undefined && all !== true) refuse('all', 'must be true, or left out');
  if (keys.length + prefixes.length + tags.length > 0 || all === true) return;
  throw new ClientError('ERR_CLIENT_INVALID_OPTIONS', 'selection: names nothing');
}

function checkTexts(field: string, texts: unknown): void {
  if (!Array.isArray(texts)) refuse(field, 'must be an array of strings');
  for (const [index, text] of texts.entries()) checkKey(text, `${field}[${index}]`);
}
