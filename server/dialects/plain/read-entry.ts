import type { StoredView } from '../../cache/cache-store.js';
import { entryHash } from '../../cache/entry-hash.js';
import type { PresentedValue, Wish } from '../../codecs/stored-value.js';
import { MISS_REPLY, RequestError } from '../../error-table.js';
import { namesWeakly, parseTagCondition, type TagCondition } from '../../http/entity-tags.js';
import { sendReply } from '../../http/reply.js';
import type { Exchange } from '../../http/transport.js';
import type { RouteHandler } from '../../router.js';
import type { DialectParts } from '../dialect-parts.js';
import { readKey } from '../entry-key.js';
import { type DescribedEntry, HIT_HEAD_NAME, type HitHead, HitHeads } from './hit-head.js';

/**
 * Larger values are handed over part by part, and held on the heap only where a client is slow;
 * what the transport must keep of smaller ones for such a client is bounded by this.
 */
const WHOLE_BYTES_MAX = 16_384;
const NOT_MODIFIED = 304;

/** What the client says about the answer it wants. */
interface ReadRequest {
  readonly isHead: boolean;
  /** Tags of values that the client has; `undefined` where it says nothing of them. */
  readonly known: TagCondition | undefined;
}

/** GET and HEAD of one entry. */
export class EntryReader {
  private readonly parts: DialectParts;
  private readonly heads: HitHeads;

  constructor(parts: DialectParts) {
    this.parts = parts;
    this.heads = new HitHeads(parts.codec);
  }

  readonly get: RouteHandler = (exchange, segment) => this.read(exchange, segment, false);
  readonly head: RouteHandler = (exchange, segment) => this.read(exchange, segment, true);

  /**
   * The hot path: on a hit nothing is allocated but the key, and the value becomes no string. A
   * header that is asked for costs as much as finding the entry, so `Accept` is asked for only
   * where the value can be given in another form, and `Accept-Encoding` where it is compressed.
   */
  private read(exchange: Exchange, segment: string, isHead: boolean): Promise<void> | undefined {
    const { store, metrics, codec } = this.parts;
    const view = store.getView(readKey(segment));
    if (view === undefined) {
      if (store.readState() === 'busy') throw busy();
      metrics.recordReads('default', 0, 1);
      sendReply(exchange, MISS_REPLY);
      return undefined;
    }
    metrics.recordReads('default', 1, 0);
    const { contentType: storedType } = view;
    const stored = this.heads.findStored(storedType);
    const noneMatch = exchange.header('if-none-match');
    const known = noneMatch === '' ? undefined : readNoneMatch(exchange, noneMatch);
    const accept = stored.isPlain ? '' : exchange.header('accept');
    if (stored.isContentFor(accept)) {
      this.sendStored(exchange, view, stored, isHead, known);
      return undefined;
    }
    // Bytes without a coding go out without one.
    const acceptEncoding = stored.isCompressed ? exchange.header('accept-encoding') : '';
    const form = codec.asStored(storedType, accept, acceptEncoding);
    if (form === undefined) {
      return this.present(exchange, view, { accept, acceptEncoding }, { isHead, known });
    }
    this.sendStored(exchange, view, this.heads.findForm(form, true), isHead, known);
    return undefined;
  }

  /** The bytes as they are stored. */
  private sendStored(
    exchange: Exchange,
    view: StoredView,
    head: HitHead,
    isHead: boolean,
    known: TagCondition | undefined,
  ): void {
    const { budget } = this.parts;
    const { sizeBytes } = view;
    if (known !== undefined && namesWeakly(known, entryHash(view))) {
      sendNotModified(exchange, head, view);
      return;
    }
    if (isHead) {
      exchange.writeHeaderLines(HIT_HEAD_NAME, head.encode(view));
      exchange.endWithLengthOnly(sizeBytes);
      return;
    }
    // Taken before the first header: after it, only the connection could be closed.
    if (sizeBytes > WHOLE_BYTES_MAX && !budget.tryTake(sizeBytes)) throw tooManyReplies();
    exchange.writeHeaderLines(HIT_HEAD_NAME, head.encode(view));
    if (sizeBytes <= WHOLE_BYTES_MAX) exchange.end(view.bytes);
    else exchange.endParts(view.chunks, sizeBytes, () => budget.give(sizeBytes));
  }

  /** The value in another form than it is stored in. */
  private present(
    exchange: Exchange,
    view: StoredView,
    wish: Wish,
    request: ReadRequest,
  ): Promise<void> | undefined {
    const { codec, budget } = this.parts;
    const { sizeBytes, contentType: storedType } = view;
    if (!budget.tryTake(sizeBytes)) throw tooManyReplies();
    const entry = describe(view);
    const bytes = keepBytes(view);
    const send = (presented: PresentedValue): void => {
      const head = this.heads.findForm(presented, presented.bytes === bytes);
      this.sendPresented(exchange, presented.bytes, head, entry, request);
    };
    const give = (): void => budget.give(sizeBytes);
    try {
      const presented = codec.present({ bytes, storedType }, wish);
      if (presented instanceof Promise) return presented.then(send).finally(give);
      send(presented);
    } catch (error) {
      give();
      throw error;
    }
    give();
    return undefined;
  }

  private sendPresented(
    exchange: Exchange,
    bytes: Uint8Array,
    head: HitHead,
    entry: KeptDescription,
    { isHead, known }: ReadRequest,
  ): void {
    const { budget } = this.parts;
    // Nobody would give back what is taken for a client that is gone.
    if (!exchange.isOpen) return;
    if (known !== undefined && namesWeakly(known, entry.hash + head.tagSuffix)) {
      sendNotModified(exchange, head, entry);
      return;
    }
    const isLarge = bytes.length > WHOLE_BYTES_MAX && !isHead;
    if (isLarge && !budget.tryTake(bytes.length)) throw tooManyReplies();
    exchange.cork(() => {
      exchange.writeHeaderLines(HIT_HEAD_NAME, head.encode(entry));
      if (isHead) exchange.endWithLengthOnly(bytes.length);
      else if (isLarge) exchange.endParts([bytes], bytes.length, () => budget.give(bytes.length));
      else exchange.end(bytes);
    });
  }
}

/** What is told of an entry, kept beyond the next call on the store. */
interface KeptDescription extends DescribedEntry {
  readonly hash: string;
}

function describe(view: StoredView): KeptDescription {
  const { ttlMs, ageMs } = view;
  const hash = entryHash(view);
  const writeHash = (target: Uint8Array, offset: number): void => {
    for (let index = 0; index < hash.length; index++) {
      target[offset + index] = hash.charCodeAt(index);
    }
  };
  return { ttlMs, ageMs, hash, writeHash };
}

/**
 * The bytes of a view, kept beyond the next call on the store, which others make while a large
 * value is converted. Those on the heap are never written to again.
 */
function keepBytes({ bytes }: StoredView): Uint8Array {
  return bytes.buffer instanceof SharedArrayBuffer ? Buffer.from(bytes) : bytes;
}

/** @throws {RequestError} for what are no tags, and for two conditions at once */
function readNoneMatch(exchange: Exchange, text: string): TagCondition {
  const condition = parseTagCondition(text);
  if (condition === undefined) throw malformed('If-None-Match must be * or a list of quoted tags');
  if (exchange.header('if-match') !== '') {
    throw malformed('a request must have either If-Match or If-None-Match');
  }
  return condition;
}

function sendNotModified(exchange: Exchange, head: HitHead, entry: DescribedEntry): void {
  exchange.cork(() => {
    exchange.writeStatus(NOT_MODIFIED);
    exchange.writeHeaderLines(HIT_HEAD_NAME, head.encode(entry));
    exchange.endWithoutBody();
  });
}

function malformed(message: string): RequestError {
  return new RequestError('ERR_HTTP_MALFORMED_REQUEST', message);
}

function busy(): RequestError {
  return new RequestError('ERR_CACHE_BUSY', 'the entry is being written; try again');
}

function tooManyReplies(): RequestError {
  return new RequestError('ERR_CACHE_OVERLOADED', 'too many large values are being sent');
}
