/** Frames of the WebSocket in its two forms, see docs/WEBSOCKET.md. */
import { fromBase64, toBase64 } from './base64.js';
import { malformedAnswer } from './client-error.js';
import { type CodecName, type EncodedValue, packr } from './encoded-value.js';

/** What may stand in a frame that is sent. */
export type FrameMember =
  | string
  | number
  | boolean
  | EncodedValue
  | readonly FrameMember[]
  | { readonly [name: string]: FrameMember | undefined };

/** A frame that came: an object, nothing of it checked yet. */
export type Frame = Readonly<Record<string, unknown>>;

export interface FrameCodec {
  readonly subprotocol: string;
  encode(members: Readonly<Record<string, FrameMember | undefined>>): string | Uint8Array;
  /** @throws {ClientError} `ERR_CLIENT_MALFORMED_ANSWER` */
  decode(data: unknown): Frame;
}

export const FRAME_CODECS: Readonly<Record<CodecName, FrameCodec>> = {
  json: {
    subprotocol: 'hotshard.json.v1',
    encode: writeJson,
    decode: (data) => {
      if (typeof data !== 'string') throw malformedAnswer('a frame is no text');
      return readFrame(() => JSON.parse(data));
    },
  },
  msgpack: {
    subprotocol: 'hotshard.msgpack.v1',
    encode: (members) => {
      const parts: Uint8Array[] = [];
      writePacked(members, parts);
      return concatenate(parts);
    },
    decode: (data) => {
      if (!(data instanceof ArrayBuffer)) throw malformedAnswer('a frame is not binary');
      return readFrame(() => packr.unpack(new Uint8Array(data)));
    },
  },
};

/**
 * The value of an answer.
 *
 * @param encoding the member of that name beside it
 */
export function readValue(value: unknown, encoding: unknown): unknown {
  if (encoding === 'base64' && typeof value === 'string') return fromBase64(value);
  if (!(value instanceof Uint8Array)) return value;
  if (encoding === 'json') return readJson(value);
  // In Node.js the packer hands out a Buffer; elsewhere a plain Uint8Array.
  return new Uint8Array(value);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** JSON that MessagePack does not carry without a change, such as numbers of many digits. */
function readJson(text: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(text));
  } catch (thrown) {
    throw malformedAnswer('a value is not the JSON that its encoding says', thrown);
  }
}

function readFrame(parse: () => unknown): Frame {
  let frame: unknown;
  try {
    frame = parse();
  } catch (thrown) {
    throw malformedAnswer('a frame cannot be decoded', thrown);
  }
  if (typeof frame !== 'object' || frame === null) throw malformedAnswer('a frame is no object');
  return frame as Frame;
}

function isValue(member: object): member is EncodedValue {
  return 'form' in member;
}

function isList(member: object): member is readonly FrameMember[] {
  return Array.isArray(member);
}

/** JSON text in which encoded values stand as they are. */
export function writeJson(member: FrameMember): string {
  if (typeof member !== 'object') return JSON.stringify(member);
  if (isValue(member)) return valueText(member);
  if (isList(member)) return `[${member.map(writeJson).join(',')}]`;
  const parts: string[] = [];
  for (const [name, child] of Object.entries(member)) {
    if (child === undefined) continue;
    parts.push(`${JSON.stringify(name)}:${writeJson(child)}`);
    if (isBytes(child)) parts.push('"encoding":"base64"');
  }
  return `{${parts.join(',')}}`;
}

function isBytes(member: FrameMember): boolean {
  return typeof member === 'object' && isValue(member) && member.form === 'bytes';
}

function valueText(value: EncodedValue): string {
  if (value.form === 'json') return value.text;
  return JSON.stringify(toBase64(value.form === 'bytes' ? value.bytes : value.packed));
}

const MAP_16 = 0xde;
const ARRAY_32 = 0xdd;

/** A map or an array of MessagePack is a header and then its members, one after the other. */
function writePacked(member: FrameMember, parts: Uint8Array[]): void {
  if (typeof member !== 'object') {
    parts.push(pack(member));
  } else if (isValue(member)) {
    parts.push(packedValue(member));
  } else if (isList(member)) {
    const count = member.length;
    parts.push(
      new Uint8Array([
        ARRAY_32,
        count >>> 24,
        (count >>> 16) & 255,
        (count >>> 8) & 255,
        count & 255,
      ]),
    );
    for (const child of member) writePacked(child, parts);
  } else {
    const present = Object.entries(member).filter(([, child]) => child !== undefined);
    parts.push(new Uint8Array([MAP_16, present.length >>> 8, present.length & 255]));
    for (const [name, child] of present) {
      parts.push(pack(name));
      if (child !== undefined) writePacked(child, parts);
    }
  }
}

/** Copied: the packer may use its buffer again. */
function pack(value: unknown): Uint8Array {
  return new Uint8Array(packr.pack(value));
}

function packedValue(value: EncodedValue): Uint8Array {
  if (value.form === 'msgpack') return value.packed;
  return pack(value.form === 'bytes' ? value.bytes : JSON.parse(value.text));
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
