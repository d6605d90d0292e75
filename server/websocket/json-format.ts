import type { JsonMember, StoredValue, ValueCodec } from '../codecs/stored-value.js';
import { JsonValue } from '../json/json-value.js';
import { checkJson } from '../json/scan-json.js';
import { DEFAULT_CONTENT_TYPE } from '../wire.js';
import {
  EmbeddedValue,
  type FrameFormat,
  type MessageValue,
  type PresentedMember,
} from './frame-format.js';
import { invalidField, invalidFrame } from './frame-refusals.js';
import type { FrameValue } from './frame-value.js';

const BASE64_TEXT = /^[A-Za-z0-9+/]*={0,2}$/;

/** Frames of JSON text: values keep the text that they were sent with. */
export const JSON_FORMAT: FrameFormat = {
  protocol: 'hotshard.json.v1',
  isBinary: false,
  read: (message) => {
    const problem = checkJson(message);
    if (problem !== undefined) throw invalidFrame(problem.message);
    return JsonValue.of(message);
  },
  admit: (codec, value, encoding) => {
    if (encoding === undefined) return codec.admitJson(value.text);
    const bytes = decodeBase64(value);
    return codec.admit({ bytes, contentType: DEFAULT_CONTENT_TYPE, contentEncoding: undefined });
  },
  present: (codec: ValueCodec, stored: StoredValue) => {
    const member = codec.toJson(stored);
    return member instanceof Promise ? member.then(embed) : embed(member);
  },
  write: (message) => {
    const writer = new JsonWriter();
    writer.write(message);
    return writer.end();
  },
};

function embed({ text, isBase64 }: JsonMember): PresentedMember {
  return { value: new EmbeddedValue(text), encoding: isBase64 ? 'base64' : undefined };
}

/** Base64 as RFC 4648 writes it, padding and all, without spare bits: one text for each value. */
function decodeBase64(value: FrameValue): Buffer {
  const text = value.asString();
  if (text !== undefined && BASE64_TEXT.test(text)) {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.toString('base64') === text) return bytes;
  }
  throw invalidField('value must be a string of base64 with its padding, as encoding says');
}

/** Collects the text of a message, and what is embedded in it as it is. */
class JsonWriter {
  private readonly pieces: Uint8Array[] = [];
  private text = '';

  write(value: MessageValue): void {
    if (value instanceof EmbeddedValue) {
      this.flush();
      this.pieces.push(value.bytes);
    } else if (value instanceof Map) {
      let separator = '{';
      for (const [name, member] of value) {
        this.text += `${separator}${JSON.stringify(name)}:`;
        this.write(member);
        separator = ',';
      }
      this.text += separator === '{' ? '{}' : '}';
    } else if (Array.isArray(value)) {
      let separator = '[';
      for (const item of value as readonly MessageValue[]) {
        this.text += separator;
        this.write(item);
        separator = ',';
      }
      this.text += separator === '[' ? '[]' : ']';
    } else {
      this.text += JSON.stringify(value);
    }
  }

  end(): Uint8Array {
    this.flush();
    const [only] = this.pieces;
    return this.pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.pieces);
  }

  private flush(): void {
    this.pieces.push(Buffer.from(this.text));
    this.text = '';
  }
}
