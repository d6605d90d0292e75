import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { RequestError } from '../error-table.js';

/** What a listing is of; a cursor serves for the same listing alone. */
export interface ListingScope {
  readonly namespace: string;
  readonly kind: 'all' | 'prefix' | 'glob';
  readonly text: string;
}

const HASH = 'sha256';
const TAG_BYTES = 16;
/** The engine's cursor is 16 characters, and stays bounded should it grow. */
const CURSOR_TEXT = /^[A-Za-z0-9_-]{1,128}$/;
const KEY_BYTES = 32;

/** A key for the cursors of one service, whose threads all need the same. */
export function createCursorKey(): Uint8Array {
  return Uint8Array.from(randomBytes(KEY_BYTES));
}

/**
 * Signs the cursors of listings, so that nobody can make one up or go on with it in another
 * namespace. A cursor is `SCOPE PLACE SIGNATURE` in one base64url text: nothing is kept.
 */
export class KeyCursors {
  private readonly key: Uint8Array;

  /** @param key the same in every thread that serves; by default one of this object alone */
  constructor(key: Uint8Array = createCursorKey()) {
    this.key = key;
  }

  /** @param place the engine's cursor */
  sign(scope: ListingScope, place: string): string {
    const bound = Buffer.concat([this.scopeTag(scope), Buffer.from(place, 'latin1')]);
    return Buffer.concat([bound, this.tag('cursor', bound)]).toString('base64url');
  }

  /**
   * The engine's cursor out of a signed one.
   *
   * @throws {RequestError} `ERR_HTTP_INVALID_CURSOR` for one that was not given out,
   * `ERR_HTTP_FOREIGN_CURSOR` for one of another listing
   */
  open(scope: ListingScope, cursor: string): string {
    const bytes = CURSOR_TEXT.test(cursor) ? Buffer.from(cursor, 'base64url') : Buffer.alloc(0);
    if (bytes.length <= 2 * TAG_BYTES || bytes.toString('base64url') !== cursor) throw invalid();
    const bound = bytes.subarray(0, -TAG_BYTES);
    const isSigned = timingSafeEqual(bytes.subarray(-TAG_BYTES), this.tag('cursor', bound));
    if (!isSigned) throw invalid();
    if (!timingSafeEqual(bound.subarray(0, TAG_BYTES), this.scopeTag(scope))) {
      throw new RequestError(
        'ERR_HTTP_FOREIGN_CURSOR',
        'the cursor is of another listing: repeat the namespace, prefix or pattern it came from',
      );
    }
    return bound.toString('latin1', TAG_BYTES);
  }

  private scopeTag({ namespace, kind, text }: ListingScope): Buffer {
    return this.tag('scope', Buffer.from(JSON.stringify([namespace, kind, text])));
  }

  private tag(purpose: string, bytes: Uint8Array): Buffer {
    const hmac = createHmac(HASH, this.key).update(`${purpose}\n`).update(bytes);
    return hmac.digest().subarray(0, TAG_BYTES);
  }
}

function invalid(): RequestError {
  return new RequestError(
    'ERR_HTTP_INVALID_CURSOR',
    'cursor: is none that this service gave out since its start',
  );
}
