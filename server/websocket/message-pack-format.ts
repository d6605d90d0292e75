import { isUtf8 } from 'node:buffer';
import { Packr } from 'msgpackr';
import { scanMessagePack } from '../codecs/message-pack-scan.js';
import type { PresentedValue } from '../codecs/stored-value.js';
import { MESSAGE_PACK_TYPE, ValueForms } from '../codecs/value-form.js';
import { DEFAULT_CONTENT_TYPE } from '../wire.js';
import {
  EmbeddedValue,
  type FrameFormat,
  type MessageValue,
  type PresentedMember,
} from './frame-format.js';
import { invalidField, invalidFrame } from './frame-refusals.js';
import { MessagePackValue } from './message-pack-value.js';

/** What cannot become MessagePack goes as it is stored. */
const WISH = { accept: `${MESSAGE_PACK_TYPE}, */*;q=0.5`, acceptEncoding: '' };
const BINARY_32 = 0xc6;
const STRING_32 = 0xdb;
const ARRAY_32 = 0xdd;
const MAP_32 = 0xdf;
const FIXMAP = 0x80;
const FIXARRAY = 0x90;
const FIXED_LENGTH_MAX = 15;
/** First byte and length. */
const HEAD_BYTES = 5;

const packr = new Packr({ useRecords: false });
const forms = new ValueForms();

/** Frames of MessagePack: values keep the bytes that they were sent with; bytes are bin. */
export const MESSAGE_PACK_FORMAT: FrameFormat = {
  protocol: 'hotshard.msgpack.v1',
  isBinary: true,
  read: (message) => {
    const { problem } = scanMessagePack(message);
    if (problem !== undefined) throw invalidFrame(problem);
    return MessagePackValue.of(message);
  },
  admit: (codec, value, encoding) => {
    if (encoding !== undefined) throw invalidField('encoding must be left out: bytes are bin here');
    const bytes =
      value instanceof MessagePackValue && value.kind === 'bytes' ? value.content : undefined;
    return codec.admit({
      bytes: bytes ?? value.text,
      contentType: bytes === undefined ? MESSAGE_PACK_TYPE : DEFAULT_CONTENT_TYPE,
      contentEncoding: undefined,
    });
  },
  present: (codec, stored) => {
    const presented = codec.present(stored, WISH);
    return presented instanceof Promise ? presented.then(embed) : embed(presented);
  },
  write: (message) => {
    const writer = new MessagePackWriter();
    writer.write(message);
    return writer.end();
  },
};

function embed({ bytes, contentType }: PresentedValue): PresentedMember {
  const { kind } = forms.read(contentType);
  if (kind === 'message-pack') return { value: new EmbeddedValue(bytes), encoding: undefined };
  const isText = kind === 'text' && isUtf8(bytes);
  const head = writeHead(isText ? STRING_32 : BINARY_32, bytes.length);
  const value = new EmbeddedValue(Buffer.concat([head, bytes]));
  // JSON that MessagePack cannot carry: its text as bytes, and a word that says so.
  return { value, encoding: kind === 'json' ? 'json' : undefined };
}

function writeHead(first: number, length: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head[0] = first;
  head.writeUInt32BE(length, 1);
  return head;
}

/** Collects the parts of a message; maps and arrays are a header and then what they hold. */
class MessagePackWriter {
  private readonly parts: Uint8Array[] = [];

  write(value: MessageValue): void {
    if (value instanceof EmbeddedValue) {
      this.parts.push(value.bytes);
    } else if (value instanceof Map) {
      this.writeHead(FIXMAP, MAP_32, value.size);
      for (const [name, member] of value) {
        this.writeScalar(name);
        this.write(member);
      }
    } else if (Array.isArray(value)) {
      this.writeHead(FIXARRAY, ARRAY_32, value.length);
      for (const item of value as readonly MessageValue[]) this.write(item);
    } else {
      this.writeScalar(value);
    }
  }

  end(): Uint8Array {
    return Buffer.concat(this.parts);
  }

  private writeScalar(value: unknown): void {
    // A part of the packer's buffer that it does not write again.
    this.parts.push(packr.pack(value));
  }

  private writeHead(fixedFirst: number, first: number, length: number): void {
    const isShort = length <= FIXED_LENGTH_MAX;
    this.parts.push(isShort ? Uint8Array.of(fixedFirst | length) : writeHead(first, length));
  }
}
