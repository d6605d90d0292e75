import { Packr } from 'msgpackr';
import { ClientError } from './client-error.js';

/** How values travel that are no bytes. */
export type CodecName = 'json' | 'msgpack';

/**
 * A value as it is sent. Encoded when the caller hands it over, so that what the caller does to the
 * object afterwards changes nothing, and a value that cannot be sent is refused at once.
 */
export type EncodedValue =
  | { readonly form: 'json'; readonly text: string }
  | { readonly form: 'msgpack'; readonly packed: Uint8Array }
  /** A `Uint8Array` of the caller: stored as it is. */
  | { readonly form: 'bytes'; readonly bytes: Uint8Array };

/** What a value weighs in a frame, about: characters of text, or bytes. */
export function weightOf(value: EncodedValue): number {
  if (value.form === 'json') return value.text.length;
  return value.form === 'msgpack' ? value.packed.length : Math.ceil(value.bytes.length * (4 / 3));
}

/** No records: the other side has not seen the frames before this one. */
export const packr: Packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  structuredClone: false,
  moreTypes: false,
});

/** @throws {ClientError} `ERR_CLIENT_INVALID_VALUE` */
export function encodeValue(value: unknown, codec: CodecName): EncodedValue {
  // A copy: the caller may write to the bytes again before they are sent.
  if (value instanceof Uint8Array) return { form: 'bytes', bytes: new Uint8Array(value) };
  const problem = problemOf(value, codec);
  if (problem !== undefined) throw invalidValue(problem);
  try {
    if (codec === 'msgpack') return { form: 'msgpack', packed: new Uint8Array(packr.pack(value)) };
    const text = JSON.stringify(value) as string | undefined;
    if (text !== undefined) return { form: 'json', text };
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message.split('\n', 1)[0] : 'it was refused';
    throw invalidValue(`cannot be encoded: ${reason}`, thrown);
  }
  throw invalidValue('is written as nothing by its own toJSON');
}

function problemOf(value: unknown, codec: CodecName): string | undefined {
  switch (typeof value) {
    case 'undefined':
      return 'must not be undefined, which means a miss; null can be stored';
    case 'function':
    case 'symbol':
      return `must not be a ${typeof value}`;
    case 'bigint':
      return codec === 'json' ? 'is a BigInt, which JSON does not carry' : undefined;
    case 'object':
      return value === null ? undefined : problemOfObject(value, codec);
    default:
      return undefined;
  }
}

function problemOfObject(value: object, codec: CodecName): string | undefined {
  if (value instanceof Promise) return 'must not be a promise: await it first';
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return 'must not be a buffer or a view other than a Uint8Array: pass a Uint8Array of its bytes';
  }
  const isCollection = value instanceof Map || value instanceof Set;
  return codec === 'json' && isCollection ? 'is a Map or a Set, which JSON empties' : undefined;
}

function invalidValue(problem: string, cause?: unknown): ClientError {
  return new ClientError('ERR_CLIENT_INVALID_VALUE', `value ${problem}`, { cause });
}
