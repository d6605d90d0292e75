import type { EntryCondition } from '../../cache/cache-writes.js';
import { RequestError } from '../../error-table.js';
import { parseTagCondition, type TagCondition } from '../../http/entity-tags.js';
import type { RequestHead } from '../../http/request-head.js';

/** What a write asks of the entry that it replaces or removes. */
export type WriteCondition =
  | { readonly kind: 'none' }
  | { readonly kind: 'only'; readonly only: 'absent' | 'present' }
  | { readonly kind: 'tags'; readonly isMet: EntryCondition };

const MODE_HEADER = 'X-Cache-Mode';

/**
 * Reads `X-Cache-Mode`, `If-Match` or `If-None-Match`, of which there may be one.
 *
 * @throws {RequestError} for two of them, and for what cannot be read
 */
export function readCondition(head: RequestHead): WriteCondition {
  const { mode, ifMatch, ifNoneMatch } = head;
  const given = [mode, ifMatch, ifNoneMatch].filter((text) => text !== undefined);
  if (given.length > 1) {
    throw malformed(`a request must have one of ${MODE_HEADER}, If-Match and If-None-Match`);
  }
  if (mode !== undefined) return { kind: 'only', only: readMode(mode) };
  if (ifMatch !== undefined) return matchCondition(readTags(ifMatch, 'If-Match'));
  if (ifNoneMatch !== undefined) return noneMatchCondition(readTags(ifNoneMatch, 'If-None-Match'));
  return { kind: 'none' };
}

/** The condition as one that is judged by the hash of the entry. */
export function conditionOf(condition: WriteCondition): EntryCondition | undefined {
  switch (condition.kind) {
    case 'none':
      return undefined;
    case 'only':
      return (hash) => (hash !== undefined) === (condition.only === 'present');
    case 'tags':
      return condition.isMet;
  }
}

export function preconditionFailed(): RequestError {
  return new RequestError(
    'ERR_HTTP_PRECONDITION_FAILED',
    'the entry is not as the request asks; nothing was changed',
  );
}

function readMode(mode: string): 'absent' | 'present' {
  switch (mode.toUpperCase()) {
    case 'NX':
      return 'absent';
    case 'XX':
      return 'present';
    default:
      throw new RequestError(
        'ERR_HTTP_INVALID_FIELD',
        `${MODE_HEADER} must be NX (only if absent) or XX (only if present)`,
      );
  }
}

function readTags(text: string, name: string): TagCondition {
  const condition = parseTagCondition(text);
  if (condition !== undefined) return condition;
  throw malformed(`${name} must be * or a list of quoted tags`);
}

/** The strong comparison: a weak tag matches nothing. */
function matchCondition(condition: TagCondition): WriteCondition {
  if (condition === 'any') return { kind: 'only', only: 'present' };
  const strong = condition.filter(({ isWeak }) => !isWeak).map(({ text }) => text);
  return { kind: 'tags', isMet: (hash) => hash !== undefined && strong.some(names(hash)) };
}

function noneMatchCondition(condition: TagCondition): WriteCondition {
  if (condition === 'any') return { kind: 'only', only: 'absent' };
  const texts = condition.map(({ text }) => text);
  return { kind: 'tags', isMet: (hash) => hash === undefined || !texts.some(names(hash)) };
}

/** Whether a tag is one of the value, in whichever form the client was given it. */
function names(hash: string): (text: string) => boolean {
  return (text) => text === hash || text.startsWith(`${hash}-`);
}

function malformed(message: string): RequestError {
  return new RequestError('ERR_HTTP_MALFORMED_REQUEST', message);
}
