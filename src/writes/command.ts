import {
  FLAG_LEASE,
  FLAG_ONLY_ABSENT,
  FLAG_ONLY_PRESENT,
  FLAG_RETURN_OLD,
  FLAG_VERSION,
  OP_DELETE,
  OP_INCREMENT,
  OP_LEASE_END,
  OP_SET,
  OP_TOUCH,
} from '../../native-free-core/assembly/layout.js';
import type { Payload } from '../codec/codec.js';
import type { ScanSlice } from '../scans/scan-slice.js';
import type { TagNames } from '../tags/tag-names.js';
import type { TagSlice } from '../tags/tag-slice.js';

const CONDITIONS = FLAG_ONLY_ABSENT | FLAG_ONLY_PRESENT | FLAG_VERSION | FLAG_LEASE;
/** What a queued command costs on the heap besides its key and value. */
const COMMAND_BYTES = 256;

/** Takes the core's status; `readOld` reads the old value where it was asked for. */
export type Settle = (status: number, readOld: () => unknown) => void;

/**
 * One write on its way through this thread: the arguments as they were at the call, and what to
 * do with the answer. The payload of a command that waits is this thread's own copy.
 */
export class Command {
  opcode: number = OP_SET;
  namespaceId = 0;
  key = '';
  payload: Payload | undefined = undefined;
  encoding = 0;
  /** Empty = none. */
  contentType = '';
  flags = 0;
  /** Tags that a set gives its entry. */
  tags: TagNames | undefined = undefined;
  /** What a command about tags does in one shard. */
  slice: TagSlice | undefined = undefined;
  /** Infinity = never. */
  ttlMs: number = Number.POSITIVE_INFINITY;
  /**
   * Version that a set asks for; token of the lease that a fill is for, that is given up, or that
   * was granted; what an increment adds, and its sum once it was carried out.
   */
  guard = 0;
  /** Of an answered OP_LEASE: the lease that was granted or is waited for, and its state. */
  leaseAddress = 0;
  leaseState = 0;
  /** Bytes of the encoded value, once it was written. */
  valueBytes = 0;
  /** Address of the value inside the published record; 0 while there is none. */
  valueAddress = 0;
  /** Address of its record, once it was published. */
  record = 0;
  /** Epoch of the namespace at the call. */
  epoch = 0;
  /** When the entry ends, in arena time. */
  expiryMs: number = Number.POSITIVE_INFINITY;
  /** First staged page + 1 of a large value; 0 = none. */
  stagedPage = 0;
  /** Its shard. */
  stagedShard = 0;
  /** What an OP_RELEASE gives back: the shard and the reference of a returned old item. */
  releasedShard = 0;
  releasedItem = 0;
  /** Whether it has waited on the heap; epoch and expiry are those of its call then. */
  isQueued = false;
  /** Heap bytes it was counted with when it was queued. */
  heldBytes = 0;
  /** The old value, where it was asked for and the command was carried out at once. */
  returned: unknown = undefined;
  settle: Settle = ignore;
  /** What an OP_SCAN carries and takes its answer. */
  scan: ScanSlice | undefined = undefined;
  /** Invalidations under way that an early read of this set must not outrun. */
  hiddenBy = 0;
  /** Whether the answer came while it was hidden. */
  isAnswered = false;

  /** Makes it as good as new, for the next write. */
  reset(): void {
    this.payload = undefined;
    this.contentType = '';
    this.tags = undefined;
    this.flags = 0;
    this.valueBytes = 0;
    this.valueAddress = 0;
    this.stagedPage = 0;
    if (this.returned !== undefined) this.returned = undefined;
  }

  /** Whether its answer is its status alone: a set, delete or touch that returns no old value. */
  get isPlain(): boolean {
    return this.opcode <= OP_TOUCH && (this.flags & FLAG_RETURN_OLD) === 0;
  }

  /** Whether reads of this thread see the command before it was applied. */
  get isVisibleEarly(): boolean {
    if (this.opcode !== OP_SET && this.opcode !== OP_DELETE) return false;
    return (this.flags & CONDITIONS) === 0;
  }

  /** Whether it may be applied a second time and the caller is none the worse. */
  get isIdempotent(): boolean {
    return this.isVisibleEarly && (this.flags & FLAG_RETURN_OLD) === 0;
  }

  /** Whether its record carries `guard`. */
  get isGuarded(): boolean {
    if (this.opcode === OP_INCREMENT || this.opcode === OP_LEASE_END) return true;
    return (this.flags & (FLAG_VERSION | FLAG_LEASE)) !== 0;
  }

  /** Bytes of the encoded value, for messages. */
  get payloadBytes(): number {
    const { payload } = this;
    return typeof payload === 'string' ? Buffer.byteLength(payload) : (payload?.byteLength ?? 0);
  }

  /** Heap bytes while it waits, about. */
  get heapBytes(): number {
    const { payload } = this;
    const perUnit = typeof payload === 'string' ? 2 : 1;
    const bytes = payload === undefined ? 0 : payload.length * perUnit;
    const tagBytes = (this.tags ?? this.slice?.names)?.section.byteLength ?? 0;
    return COMMAND_BYTES + this.key.length * 2 + bytes + tagBytes;
  }

  /** Makes the payload this thread's own, so that the caller may change its buffer. */
  keepPayload(): void {
    if (typeof this.payload === 'object') this.payload = Buffer.from(this.payload);
  }
}

function ignore(): void {
  // A command that nobody waits for.
}
