import type {
  GivenBody,
  JsonMember,
  PresentedValue,
  SentForm,
  StoredValue,
  ValueCodec,
  Wish,
} from '../../../server/codecs/stored-value.js';

const JSON_TYPE = 'application/json';

/** A codec whose conversions take as long as a test wants. */
export class CodecDouble implements ValueCodec {
  private readonly held: (() => void)[] = [];
  private isHolding = false;

  /** From now on conversions wait for `release`. */
  hold(): void {
    this.isHolding = true;
  }

  /** Conversions that wait. */
  get heldCount(): number {
    return this.held.length;
  }

  /** Lets those that wait go on, the last one first, and holds no more. */
  release(): void {
    this.isHolding = false;
    for (const go of this.held.splice(0).reverse()) go();
  }

  admit({ bytes, contentType }: GivenBody): StoredValue | Promise<StoredValue> {
    return this.later({ bytes, storedType: contentType });
  }

  admitJson(text: Uint8Array): StoredValue | Promise<StoredValue> {
    return this.later({ bytes: text, storedType: JSON_TYPE });
  }

  isPlain(_storedType?: string): boolean {
    return true;
  }

  asStored(
    storedType: string | undefined,
    _accept: string,
    _acceptEncoding: string,
  ): SentForm | undefined {
    return { contentType: storedType ?? 'application/octet-stream', contentEncoding: undefined };
  }

  present(
    { bytes, storedType }: StoredValue,
    _wish: Wish,
  ): PresentedValue | Promise<PresentedValue> {
    return {
      bytes,
      contentType: storedType ?? 'application/octet-stream',
      contentEncoding: undefined,
    };
  }

  toJson({ bytes, storedType }: StoredValue): JsonMember | Promise<JsonMember> {
    if (storedType === JSON_TYPE) return this.later({ text: bytes, isBase64: false });
    const text = Buffer.from(JSON.stringify(Buffer.from(bytes).toString('base64')));
    return this.later({ text, isBase64: true });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private later<T>(value: T): T | Promise<T> {
    if (!this.isHolding) return value;
    return new Promise((resolve) => this.held.push(() => resolve(value)));
  }
}
