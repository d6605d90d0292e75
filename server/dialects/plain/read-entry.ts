import type { StoredView } from '../../cache/cache-store.js';
import { entryHash } from '../../cache/entry-hash.js';
import type { PresentedValue } from '../../codecs/stored-value.js';
import { MISS_REPLY, RequestError } from '../../error-table.js';
import { namesWeakly, parseTagCondition, type TagCondition } from '../../http/entity-tags.js';
import { sendReply } from '../../http/reply.js';
import type { Exchange } from '../../http/transport.js';
import type { RouteHandler } from '../../router.js';
import { CONTENT_TYPE_HEADER } from '../../wire.js';
import type { DialectParts } from '../dialect-parts.js';
import { readKey } from '../entry-key.js';
import { HIT_HEAD_NAME, type HitHead, HitHeads } from './hit-head.js';
import { describeHit, type Hit } from './hit-headers.js';

/**
 * Larger values are handed over part by part, and held on the heap only where a client is slow;
 * what the transport must keep of smaller ones for such a client is bounded by this.
 */
const WHOLE_BYTES_MAX = 16_384;
const NOT_MODIFIED = 304;

/** What the client says about the answer it wants. */
interface ReadRequest {
  readonly isHead: boolean;
  /** Tags of values that the client has. */
  readonly known: TagCondition;
  /** As sent; empty for anything. */
  readonly accept: string;
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
   * where the value can be given in another form.
   */
  private read(exchange: Exchange, segment: string, isHead: boolean): Promise<void> | undefined {
    const { store, metrics } = this.parts;
    const view = store.getView(readKey(segment));
    if (view === undefined) {
      if (store.readState() === 'busy') throw busy();
      metrics.recordReads('default', 0, 1);
      sendReply(exchange, MISS_REPLY);
      return undefined;
    }
    metrics.recordReads('default', 1, 0);
    const head = this.heads.find(view.contentType);
    const noneMatch = exchange.header('if-none-match');
    const accept = head.isPlain ? '' : exchange.header('accept');
    const isAsStored = head.isPlain || this.isContent(head, accept);
    if (noneMatch === '' && isAsStored) {
      this.sendStored(exchange, view, head, isHead);
      return undefined;
    }
    const request = { isHead, known: readNoneMatch(exchange, noneMatch), accept };
    if (!isAsStored) return this.present(exchange, view, request);
    this.answerIfUnknown(exchange, view, head, request);
    return undefined;
  }

  /** Whether the client takes the value as it is stored, which the codec tells without it. */
  private isContent({ contentType }: HitHead, accept: string): boolean {
    const sent = this.parts.codec.asStored(contentType, accept, '');
    return sent?.contentType === contentType;
  }

  private sendStored(exchange: Exchange, view: StoredView, head: HitHead, isHead: boolean): void {
    const { budget } = this.parts;
    const { sizeBytes } = view;
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

  /** The value as it is stored, unless the client has it. */
  private answerIfUnknown(
    exchange: Exchange,
    view: StoredView,
    head: HitHead,
    { isHead, known }: ReadRequest,
  ): void {
    const hash = entryHash(view);
    if (namesWeakly(known, hash)) {
      const { ttlMs, ageMs } = view;
      const isNegotiated = !head.isPlain;
      sendNotModified(exchange, { ttlMs, ageMs, tag: `"${hash}"`, isNegotiated });
    } else {
      this.sendStored(exchange, view, head, isHead);
    }
  }

  /** A hit whose value may have to be given in another form than it is stored in. */
  private present(
    exchange: Exchange,
    view: StoredView,
    request: ReadRequest,
  ): Promise<void> | undefined {
    const { codec, budget } = this.parts;
    const { sizeBytes, ttlMs, ageMs, contentType: storedType } = view;
    const wish = { accept: request.accept, acceptEncoding: exchange.header('accept-encoding') };
    if (!budget.tryTake(sizeBytes)) throw tooManyReplies();
    const hash = entryHash(view);
    // A copy: the view ends with the next call on the store, which others make while a large value
    // is converted.
    const bytes = Buffer.from(view.bytes);
    const send = (presented: PresentedValue): void => {
      const text = presented.bytes === bytes ? hash : `${hash}-${nameForm(presented)}`;
      const hit = { ttlMs, ageMs, tag: `"${text}"`, isNegotiated: true };
      if (namesWeakly(request.known, text)) sendNotModified(exchange, hit);
      else this.sendPresented(exchange, presented, hit, request.isHead);
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
    { bytes, contentType, contentEncoding }: PresentedValue,
    hit: Hit,
    isHead: boolean,
  ): void {
    const { budget } = this.parts;
    const isLarge = bytes.length > WHOLE_BYTES_MAX && !isHead;
    if (isLarge && !budget.tryTake(bytes.length)) throw tooManyReplies();
    exchange.cork(() => {
      for (const [name, value] of describeHit(hit)) exchange.writeHeader(name, value);
      exchange.writeHeader(CONTENT_TYPE_HEADER, contentType);
      exchange.writeHeader('Accept-Ranges', 'none');
      if (contentEncoding !== undefined) exchange.writeHeader('Content-Encoding', contentEncoding);
      if (isHead) exchange.endWithLengthOnly(bytes.length);
      else if (!isLarge) exchange.end(bytes);
    });
    if (isLarge) exchange.endParts([bytes], bytes.length, () => budget.give(bytes.length));
  }
}

const NONE_KNOWN: TagCondition = [];

/** @throws {RequestError} for what are no tags, and for two conditions at once */
function readNoneMatch(exchange: Exchange, text: string): TagCondition {
  if (text === '') return NONE_KNOWN;
  const condition = parseTagCondition(text);
  if (condition === undefined) throw malformed('If-None-Match must be * or a list of quoted tags');
  if (exchange.header('if-match') !== '') {
    throw malformed('a request must have either If-Match or If-None-Match');
  }
  return condition;
}

/** The form that a value was brought into, as a part of its tag: each form has other bytes. */
function nameForm({ contentType, contentEncoding }: PresentedValue): string {
  const [mediaType = ''] = contentType.split(';', 1);
  return (contentEncoding ?? mediaType.slice(mediaType.indexOf('/') + 1)).replace(/[^\w]+/g, '-');
}

function sendNotModified(exchange: Exchange, hit: Hit): void {
  exchange.cork(() => {
    exchange.writeStatus(NOT_MODIFIED);
    for (const [name, value] of describeHit(hit)) exchange.writeHeader(name, value);
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
