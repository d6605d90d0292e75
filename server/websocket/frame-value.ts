/**
 * A value inside a message, as a range of its bytes that were checked before: the same for every
 * format of frames. `JsonValue` is one.
 */
export interface FrameValue {
  /** `bytes` and `other` are not known to JSON. */
  readonly kind: 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null' | 'bytes' | 'other';
  /** The bytes of the value as they stand in the message: a view. */
  readonly text: Uint8Array;
  /** What a string says; `undefined` for another kind. */
  asString(): string | undefined;
  /** What `true` or `false` says; `undefined` for another kind. */
  asBoolean(): boolean | undefined;
  /** A whole number from 0 to 2^53 - 1; `undefined` for anything else. */
  asCount(): number | undefined;
  /** The members of an object in order, a name that is no text as `undefined`. */
  members(): Iterable<readonly [name: string | undefined, value: FrameValue]>;
  /** The items of an array in order; none of another kind. */
  items(): Iterable<FrameValue>;
}
