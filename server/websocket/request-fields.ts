import { RequestError } from '../error-table.js';
import { KEY_BYTES_MAX } from '../wire.js';
import { invalidField, invalidFrame } from './frame-refusals.js';
import type { FrameValue } from './frame-value.js';

/** What requests are bounded by; each is a setting. */
export interface LimitsOfRequests {
  /** Keys or entries of one request. */
  readonly batchKeysMax: number;
  /** Subscriptions of one socket. */
  readonly subscriptionsMax: number;
}

/** No request has more members; what has is not looked at any further. */
const MEMBERS_MAX = 16;
const TAG_BYTES_MAX = 256;
const TAGS_MAX = 64;

/**
 * The members of a request, each read at most once. Members that nobody reads are refused at the
 * end: a name that was misspelt must not be passed over.
 */
export class RequestFields {
  private readonly members = new Map<string, FrameValue>();
  private readonly known: string[] = [];

  /** @throws {RequestError} `ERR_SOCKET_INVALID_FRAME` */
  constructor(value: FrameValue, what = 'a message') {
    if (value.kind !== 'object') throw invalidFrame(`${what} must be an object`);
    for (const [name, member] of value.members()) {
      if (this.members.size === MEMBERS_MAX) throw invalidFrame(`${what} has too many members`);
      if (name === undefined) throw invalidFrame(`${what} has a member whose name is no text`);
      if (this.members.has(name)) throw invalidFrame(`${what} has two members of one name`);
      this.members.set(name, member);
    }
  }

  /** The id of the request. */
  id(): number {
    const id = this.take('id')?.asCount();
    if (id === undefined) throw invalidFrame('id must be a whole number from 0 to 2^53 - 1');
    return id;
  }

  /** Empty for the default namespace; its form is checked by the cache. */
  namespace(): string {
    return this.optionalText('namespace') ?? '';
  }

  required(name: string): FrameValue {
    const value = this.take(name);
    if (value === undefined) throw invalidFrame(`${name} is missing`);
    return value;
  }

  text(name: string): string {
    const text = this.required(name).asString();
    if (text === undefined) throw invalidFrame(`${name} must be a string`);
    return text;
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  /** Whether the member is `true`; false when it is left out. */
  flag(name: string): boolean {
    if (!this.has(name)) return false;
    const isSet = this.required(name).asBoolean();
    if (isSet === undefined) throw invalidFrame(`${name} must be true or false`);
    return isSet;
  }

  /** A key: 1 to 1,024 bytes of well-formed text. */
  key(name: string): string {
    return checkKey(this.required(name), name);
  }

  /** `undefined` when it is left out; 1 to `countMax` keys, or prefixes, which look the same. */
  keys(name: string, countMax: number): string[] | undefined {
    return this.list(name, countMax)?.map((item, index) => checkKey(item, `${name}[${index}]`));
  }

  /** `undefined` when it is left out; may be empty. */
  tags(name: string, countMax: number = TAGS_MAX): string[] | undefined {
    return this.list(name, countMax, 0)?.map((item, index) => checkTag(item, `${name}[${index}]`));
  }

  objects(name: string, countMax: number): RequestFields[] {
    const items = this.list(name, countMax);
    if (items === undefined) throw invalidFrame(`${name} is missing`);
    return items.map((item, index) => new RequestFields(item, `${name}[${index}]`));
  }

  /** `undefined` when it is left out; the longest one is checked by the cache. */
  ttlMs(): number | 'never' | undefined {
    const value = this.take('ttlMs');
    if (value === undefined) return undefined;
    if (value.asString() === 'never') return 'never';
    const ttlMs = value.asCount();
    if (ttlMs === undefined || ttlMs === 0) {
      throw new RequestError(
        'ERR_CACHE_INVALID_TTL',
        'ttlMs must be a whole number of milliseconds above zero, in digits, or "never"',
      );
    }
    return ttlMs;
  }

  /** @throws {RequestError} when a member was not read */
  end(): void {
    if (this.members.size === 0) return;
    throw invalidFrame(`a member is not known; here are taken ${this.known.join(', ')}`);
  }

  private has(name: string): boolean {
    if (this.members.has(name)) return true;
    this.known.push(name);
    return false;
  }

  private take(name: string): FrameValue | undefined {
    const value = this.members.get(name);
    this.members.delete(name);
    this.known.push(name);
    return value;
  }

  private list(name: string, countMax: number, countMin = 1): FrameValue[] | undefined {
    const value = this.take(name);
    if (value === undefined) return undefined;
    if (value.kind !== 'array') throw invalidFrame(`${name} must be an array`);
    const items: FrameValue[] = [];
    for (const item of value.items()) {
      if (items.length === countMax) {
        const problem = `${name} may hold at most ${countMax} items`;
        throw new RequestError('ERR_HTTP_BATCH_TOO_LARGE', problem);
      }
      items.push(item);
    }
    if (items.length < countMin) throw invalidField(`${name} must not be empty`);
    return items;
  }
}

function checkKey(value: FrameValue, name: string): string {
  return checkText(value, name, KEY_BYTES_MAX, 'ERR_CACHE_INVALID_KEY');
}

function checkTag(value: FrameValue, name: string): string {
  return checkText(value, name, TAG_BYTES_MAX, 'ERR_CACHE_INVALID_TAG');
}

function checkText(
  value: FrameValue,
  name: string,
  bytesMax: number,
  code: 'ERR_CACHE_INVALID_KEY' | 'ERR_CACHE_INVALID_TAG',
): string {
  const text = value.asString();
  if (text === undefined) throw new RequestError(code, `${name} must be a string`);
  if (text === '') throw new RequestError(code, `${name} must not be empty`);
  // No character takes less than a byte: text this long need not be measured to be refused.
  if (text.length > bytesMax || Buffer.byteLength(text) > bytesMax) {
    throw new RequestError(code, `${name} has more than ${bytesMax} bytes of UTF-8`);
  }
  if (LONE_SURROGATE.test(text)) {
    throw new RequestError(code, `${name} is not well-formed: a surrogate stands alone`);
  }
  return text;
}

const LONE_SURROGATE = /\p{Surrogate}/u;
