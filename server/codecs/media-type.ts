/**
 * Media types as Content-Type carries them: `type/subtype; name=value; name="value"`. Read by one
 * pass over the text, because it comes from strangers.
 */

/** The longest type that is stored: with a coding before it, it must fit an entry's 127 bytes. */
export const MEDIA_TYPE_LENGTH_MAX = 100;

const SPACE = 0x20;
const QUOTE = 0x22;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const LAST_PRINTABLE = 0x7e;

/** The characters of tokens (RFC 9110, 5.6.2), by their code. */
const IS_TOKEN: Uint8Array = new Uint8Array(LAST_PRINTABLE + 1);
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
  IS_TOKEN[character.charCodeAt(0)] = 1;
  IS_TOKEN[character.toUpperCase().charCodeAt(0)] = 1;
}

/** What the service reads of a media type. */
export interface MediaType {
  /** `type/subtype` in small letters. */
  readonly essence: string;
  /** In small letters. */
  readonly charset: string | undefined;
  /** The full name of a Protocol Buffers message. */
  readonly messageType: string | undefined;
}

/** @returns `undefined` for what is no media type, or is longer than `MEDIA_TYPE_LENGTH_MAX` */
export function parseMediaType(text: string): MediaType | undefined {
  if (text.length > MEDIA_TYPE_LENGTH_MAX) return undefined;
  return new MediaTypeReader(text).read();
}

class MediaTypeReader {
  private readonly text: string;
  private at = 0;
  private charset: string | undefined;
  private messageType: string | undefined;

  constructor(text: string) {
    this.text = text;
  }

  read(): MediaType | undefined {
    const type = this.readToken();
    if (type === '' || !this.skip(SLASH)) return undefined;
    const subtype = this.readToken();
    if (subtype === '') return undefined;
    this.skipSpaces();
    while (this.at < this.text.length) {
      if (!this.skip(SEMICOLON)) return undefined;
      this.skipSpaces();
      // `text/plain;` with nothing behind it is in use, and can be read in one way alone.
      if (this.at < this.text.length && !this.readParameter()) return undefined;
      this.skipSpaces();
    }
    const essence = `${type}/${subtype}`.toLowerCase();
    return { essence, charset: this.charset, messageType: this.messageType };
  }

  private readParameter(): boolean {
    const name = this.readToken().toLowerCase();
    if (name === '' || !this.skip(EQUALS)) return false;
    const isQuoted = this.text.charCodeAt(this.at) === QUOTE;
    const value = isQuoted ? this.readQuoted() : this.readToken();
    if (value === undefined || (value === '' && !isQuoted)) return false;
    if (name === 'charset') {
      if (this.charset !== undefined) return false;
      this.charset = value.toLowerCase();
    } else if (name === 'messagetype') {
      if (this.messageType !== undefined) return false;
      this.messageType = value;
    }
    return true;
  }

  private readToken(): string {
    const start = this.at;
    while (IS_TOKEN[this.text.charCodeAt(this.at)] === 1) this.at += 1;
    return this.text.slice(start, this.at);
  }

  private readQuoted(): string | undefined {
    let value = '';
    for (this.at += 1; this.at < this.text.length; this.at += 1) {
      let code = this.text.charCodeAt(this.at);
      if (code === QUOTE) {
        this.at += 1;
        return value;
      }
      if (code === BACKSLASH) {
        this.at += 1;
        code = this.text.charCodeAt(this.at);
      }
      // Also what stands behind a backslash at the end of the text, which is no number.
      if (!(code >= SPACE && code <= LAST_PRINTABLE)) return undefined;
      value += String.fromCharCode(code);
    }
    return undefined;
  }

  private skip(code: number): boolean {
    if (this.text.charCodeAt(this.at) !== code) return false;
    this.at += 1;
    return true;
  }

  private skipSpaces(): void {
    while (this.text.charCodeAt(this.at) === SPACE) this.at += 1;
  }
}
