/** In the place of a value that nobody has asked for yet. */
export const NOT_DECODED: unique symbol = Symbol('not decoded');

/**
 * A copy that one thread keeps of an entry in shared memory: the decoded value, the stored bytes,
 * or both, and what tells whether that entry still stands.
 */
export class NearEntry {
  // What every hit looks at comes first: it then shares a cache line or two.
  /** Decoded; `NOT_DECODED` until `get` was asked. */
  value: unknown = NOT_DECODED;
  /** Where its stripe lies, in 32-bit words, and the value by which the copy was read. */
  stripeIndex = 0;
  stripe = 0;
  /**
   * Until then a hit looks at stripe and epoch alone. Arena time, like the two that follow; whole,
   * since V8 keeps a fraction in an object of its own.
   */
  deadlineMs = 0;
  /** Round of its cache in which its hit was noted last. */
  notedRound = -1;
  /** As stored, on this thread's heap; undefined until a method for bytes was asked. */
  bytes: Uint8Array | undefined = undefined;
  /** Infinity = none. */
  expiryMs: number = Number.POSITIVE_INFINITY;
  /** From then on the stripe's counter may have gone round. */
  renewalMs = 0;
  contentType: string | undefined = undefined;
  /** In arena time. */
  createdMs = 0;
  /** Whether the halves of the hash of the bytes are known; they are signed. */
  isHashed = false;
  hashLow = 0;
  hashHigh = 0;
  encoding = 0;
  /** The item in shared memory: its place, its write, half of its hash. */
  reference = 0;
  version = 0;
  upperHash = 0;
  /** Bytes of the stored value. */
  sizeBytes = 0;
  /** Place on the clock of its cache. */
  position = 0;
  /** Whether it was used since the clock's hand passed. */
  isUsed = false;
  readonly key: string;
  /** The map that it is in. */
  readonly home: Map<string, NearEntry>;

  constructor(key: string, home: Map<string, NearEntry>) {
    this.key = key;
    this.home = home;
  }
}
