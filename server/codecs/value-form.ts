import { DEFAULT_CONTENT_TYPE } from '../wire.js';
import { type MediaType, parseMediaType } from './media-type.js';
import type { StoredCoding } from './stored-value.js';

/** What the service can do with bytes of a media type. */
export type ValueKind = 'json' | 'message-pack' | 'protobuf' | 'text' | 'raw';

/** What a stored type says. */
export interface ValueForm {
  readonly coding: StoredCoding;
  /** Without the coding. */
  readonly contentType: string;
  /** `type/subtype` in small letters. */
  readonly essence: string;
  readonly kind: ValueKind;
  /** Of Protocol Buffers alone. */
  readonly messageType: string | undefined;
  /** Whether there is nothing to decode and nothing to convert. */
  readonly isPlain: boolean;
}

export const JSON_TYPE = 'application/json';
export const MESSAGE_PACK_TYPE = 'application/msgpack';

/** The names under which MessagePack goes; the first is written where the client has no wish. */
export const MESSAGE_PACK_TYPES: readonly string[] = [
  MESSAGE_PACK_TYPE,
  'application/vnd.msgpack',
  'application/x-msgpack',
];
const PROTOBUF_TYPES: readonly string[] = [
  'application/x-protobuf',
  'application/protobuf',
  'application/vnd.google.protobuf',
];
/** Texts that are bytes of UTF-8, by the value of `charset`. */
const UTF8_CHARSETS: readonly (string | undefined)[] = [undefined, 'utf-8', 'utf8', 'us-ascii'];
const CODINGS: readonly StoredCoding[] = ['lz4', 'gzip', 'br'];
/** Programs use a handful of types; made-up ones must not hold memory. */
const FORMS_MAX = 256;

/** The kind of a media type; texts that are not UTF-8 are bytes like any others. */
export function kindOf({ essence, charset, messageType }: MediaType): ValueKind {
  if (isJsonType(essence)) return 'json';
  if (MESSAGE_PACK_TYPES.includes(essence)) return 'message-pack';
  if (PROTOBUF_TYPES.includes(essence) && messageType !== undefined) return 'protobuf';
  if (essence.startsWith('text/') && isUtf8Charset(charset)) return 'text';
  return 'raw';
}

export function isUtf8Charset(charset: string | undefined): boolean {
  return UTF8_CHARSETS.includes(charset);
}

/** JSON, its old name, and the types built on it (RFC 6839), such as `application/ld+json`. */
function isJsonType(essence: string): boolean {
  return essence === JSON_TYPE || essence === 'text/json' || essence.endsWith('+json');
}

/** Reads stored types, each once: on a hit the last answer is found by comparing one string. */
export class ValueForms {
  private readonly forms = new Map<string, ValueForm>();
  private lastType: string | undefined;
  private lastForm: ValueForm = readForm(undefined);

  read(storedType: string | undefined): ValueForm {
    if (storedType === this.lastType) return this.lastForm;
    const form = this.find(storedType);
    this.lastType = storedType;
    this.lastForm = form;
    return form;
  }

  private find(storedType: string | undefined): ValueForm {
    const key = storedType ?? '';
    let form = this.forms.get(key);
    if (form === undefined) {
      if (this.forms.size >= FORMS_MAX) this.forms.clear();
      form = readForm(storedType);
      this.forms.set(key, form);
    }
    return form;
  }
}

/** The stored type of bytes in a coding. */
export function writeStoredType(coding: StoredCoding, contentType: string): string {
  return coding === 'identity' ? contentType : `${coding}:${contentType}`;
}

function readForm(storedType: string | undefined): ValueForm {
  let contentType = storedType ?? '';
  let coding: StoredCoding = 'identity';
  const colonAt = contentType.indexOf(':');
  const prefix = CODINGS.find((name) => contentType.slice(0, Math.max(colonAt, 0)) === name);
  if (prefix !== undefined) {
    coding = prefix;
    contentType = contentType.slice(colonAt + 1);
  }
  if (contentType === '') contentType = DEFAULT_CONTENT_TYPE;
  const mediaType = parseMediaType(contentType);
  // A program may store under any text; what is no media type is bytes.
  const kind = mediaType === undefined ? 'raw' : kindOf(mediaType);
  return {
    coding,
    contentType,
    essence: mediaType?.essence ?? contentType.toLowerCase(),
    kind,
    messageType: mediaType?.messageType,
    isPlain: coding === 'identity' && (kind === 'raw' || kind === 'text'),
  };
}
