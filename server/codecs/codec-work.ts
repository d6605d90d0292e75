import { isUtf8 } from 'node:buffer';
import { type ErrorCode, RequestError } from '../error-table.js';
import { checkJson } from '../json/scan-json.js';
import { InexactConversionError } from './inexact-conversion.js';
import { decodeLz4, encodeLz4 } from './lz4-block.js';
import type { Lz4Library } from './lz4-library.js';
import { jsonToMessagePack, messagePackToJson } from './message-pack-json.js';
import { scanMessagePack } from './message-pack-scan.js';
import type { MessageTypes } from './message-types.js';
import type { ValueKind } from './value-form.js';

/** What bytes are: enough of a stored form to check and convert them. */
export interface BytesKind {
  readonly kind: ValueKind;
  readonly messageType: string | undefined;
}

/** Work on one value. The steps are done in the order of the fields. */
export interface CodecWork extends BytesKind {
  readonly bytes: Uint8Array;
  /** Undoes LZ4 first. */
  readonly unpacks: boolean;
  /** Whether the bytes must be what their kind says. */
  readonly checks: boolean;
  readonly target: 'json' | 'message-pack' | undefined;
  /** Compresses last, where that saves enough. */
  readonly packs: boolean;
}

/** What became of the bytes; failures are data, so that they pass between threads. */
export type CodecOutcome =
  | { readonly kind: 'done'; readonly bytes: Uint8Array; readonly isPacked: boolean }
  /** The bytes are those that were given. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
  /** The conversion would change the value; the bytes are those before it. */
  | { readonly kind: 'inexact'; readonly bytes: Uint8Array; readonly message: string };

/** What the work is done with. */
export interface CodecTools {
  readonly lz4: Lz4Library | undefined;
  readonly types: MessageTypes;
  readonly valueBytesMax: number;
}

/** Does the work at once, in the calling thread. */
export function performWork(tools: CodecTools, work: CodecWork): CodecOutcome {
  try {
    return perform(tools, work);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { kind: 'refused', code: error.code, message: error.message };
  }
}

function perform({ lz4, types, valueBytesMax }: CodecTools, work: CodecWork): CodecOutcome {
  let { bytes } = work;
  if (work.unpacks) bytes = decodeLz4(requireLz4(lz4), bytes, valueBytesMax);
  if (work.checks) checkBytes(types, work, bytes);
  try {
    if (work.target !== undefined) bytes = convert(types, work, bytes, work.target);
  } catch (error) {
    if (!(error instanceof InexactConversionError)) throw error;
    return { kind: 'inexact', bytes, message: error.message };
  }
  const packed = work.packs && lz4 !== undefined ? encodeLz4(lz4, bytes) : undefined;
  if (packed !== undefined) return { kind: 'done', bytes: packed, isPacked: true };
  if (bytes === work.bytes) return { kind: 'unchanged' };
  return { kind: 'done', bytes, isPacked: false };
}

function checkBytes(
  types: MessageTypes,
  { kind, messageType }: BytesKind,
  bytes: Uint8Array,
): void {
  const problem =
    kind === 'json'
      ? checkJson(bytes)?.message
      : kind === 'message-pack'
        ? scanMessagePack(bytes).problem
        : undefined;
  if (problem !== undefined) throw new RequestError('ERR_HTTP_MALFORMED_BODY', problem);
  if (kind === 'protobuf') types.check(messageType ?? '', bytes);
}

function convert(
  types: MessageTypes,
  { kind, messageType }: BytesKind,
  bytes: Uint8Array,
  target: 'json' | 'message-pack',
): Uint8Array {
  if (kind === 'json') return target === 'json' ? bytes : jsonToMessagePack(bytes);
  if (kind === 'message-pack') return target === 'json' ? messagePackToJson(bytes) : bytes;
  if (kind === 'protobuf' && target === 'json') return types.toJson(messageType ?? '', bytes);
  if (kind === 'text' && target === 'json') return textToJson(bytes);
  throw new InexactConversionError('values of its type have no other form');
}

function textToJson(bytes: Uint8Array): Uint8Array {
  if (!isUtf8(bytes)) throw new InexactConversionError('the text is not UTF-8');
  return Buffer.from(JSON.stringify(Buffer.from(bytes).toString()));
}

function requireLz4(lz4: Lz4Library | undefined): Lz4Library {
  if (lz4 !== undefined) return lz4;
  throw new RequestError('ERR_HTTP_UNSUPPORTED_CODING', 'LZ4 is not available on this machine');
}
