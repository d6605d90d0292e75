import { RequestError } from '../error-table.js';
import { MEDIA_TYPE_LENGTH_MAX, parseMediaType } from './media-type.js';
import type { StoredCoding } from './stored-value.js';
import { isUtf8Charset, kindOf, type ValueKind } from './value-form.js';

/** What the headers of a body say about it. */
export interface BodyForm {
  readonly coding: StoredCoding;
  /** `undefined` when the body comes without a type. */
  readonly contentType: string | undefined;
  readonly kind: ValueKind;
  readonly messageType: string | undefined;
}

const UNTYPED = { contentType: undefined, kind: 'raw', messageType: undefined } as const;
/** By the names of Content-Encoding. */
const CODINGS: ReadonlyMap<string, StoredCoding> = new Map([
  ['', 'identity'],
  ['identity', 'identity'],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['br', 'br'],
  ['lz4', 'lz4'],
]);

/**
 * Reads Content-Type and Content-Encoding as they were sent.
 *
 * @throws {RequestError} for a type that is none, and for codings that are unknown or stacked
 */
export function readBodyForm(
  contentType: string | undefined,
  contentEncoding: string | undefined,
): BodyForm {
  const coding = CODINGS.get((contentEncoding ?? '').trim().toLowerCase());
  if (coding === undefined) {
    throw new RequestError(
      'ERR_HTTP_UNSUPPORTED_CODING',
      'Content-Encoding must be one of gzip, br, lz4 and identity, and only one',
    );
  }
  const text = (contentType ?? '').trim();
  if (text === '') return { coding, ...UNTYPED };
  const mediaType = parseMediaType(text);
  if (mediaType === undefined) {
    throw new RequestError(
      'ERR_HTTP_UNSUPPORTED_MEDIA_TYPE',
      'Content-Type must be type/subtype, with or without parameters, ' +
        `in at most ${MEDIA_TYPE_LENGTH_MAX} characters`,
    );
  }
  const kind = kindOf(mediaType);
  if (kind === 'json' && !isUtf8Charset(mediaType.charset)) {
    throw new RequestError(
      'ERR_HTTP_UNSUPPORTED_MEDIA_TYPE',
      'JSON is taken in UTF-8 alone: leave charset out of Content-Type',
    );
  }
  return { coding, contentType: text, kind, messageType: mediaType.messageType };
}
