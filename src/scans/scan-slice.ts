import {
  RECORD_KEY,
  SCAN_AFTER,
  SCAN_DELETE,
  SCAN_EXPIRE,
  SCAN_GLOB,
  SCAN_LIMIT,
  SCAN_LIST,
  SCAN_MATCHED,
  SCAN_PATTERN,
  SCAN_PAUSED,
  SCAN_PLACE,
  SCAN_SCANNED,
  SCAN_STATE,
  SCAN_UNITS,
  SCAN_WRITTEN,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_FULL } from '../../native-free-core/status.js';
import type { ThreadSession } from '../thread-session.js';
import type { KeyPattern } from './key-pattern.js';

/** What a scan does with the entries that match. */
export type ScanMode = 'list' | 'delete' | 'expire';

const MODES: Readonly<Record<ScanMode, number>> = {
  list: SCAN_LIST,
  delete: SCAN_DELETE,
  expire: SCAN_EXPIRE,
};
/** Most room for keys in one record; small rings give less. */
const KEYS_BYTES_MAX = 16 * 1_024;
/** Tells the core to take the sequence of the present: what is written later is spared. */
const LIMIT_NOW = -1;
const UNITS_ALL = 0xffff_ffff;
/** The cursor of a shard that was gone through: entries are visited by their reversed hashes. */
const PLACE_END = 2 ** 32;
const LENGTH_BYTES = 2;

/** Where a listing goes on in a shard. */
export interface SlicePlace {
  /** Reversed hash to go on at, 0 to 2^32 - 1. */
  readonly place: number;
  /** Sequence of the last entry that was visited in its bucket. */
  readonly after: number;
}

/** A scan's way through one shard: the cursor, and what the last slice gave. */
export class ScanSlice {
  readonly mode: ScanMode;
  readonly shard: number;
  readonly #namespaceId: number;
  readonly #pattern: KeyPattern;
  readonly #roomBytes: number;
  #limit: number;
  #after = 0;
  #place = 0;
  /** A match that the last slice left, and where it goes on. */
  #paused = 0;
  #state = 0n;
  /** Whether the next slice only notes which entries are there already. */
  #isMark: boolean;
  /** Entries that the last slice compared. */
  scanned = 0;
  /** Of these: listed, removed, or made stale. */
  matched = 0;
  /** Keys that the last slice listed. */
  keys: readonly string[] = [];
  /** Work that the next slice may do, in the units of the core, which has a bound of its own. */
  unitsMax: number = UNITS_ALL;

  constructor(
    session: ThreadSession,
    mode: ScanMode,
    shard: number,
    namespaceId: number,
    pattern: KeyPattern,
  ) {
    this.mode = mode;
    this.shard = shard;
    this.#namespaceId = namespaceId;
    this.#pattern = pattern;
    // A listing takes what is written meanwhile too: a key that is rewritten must not be missed.
    this.#isMark = mode !== 'list';
    this.#limit = mode === 'list' ? Number.POSITIVE_INFINITY : LIMIT_NOW;
    const fixedBytes = SCAN_PATTERN + pattern.bytes.length;
    const keysBytes = Math.min(KEYS_BYTES_MAX, session.inlineBytes - fixedBytes);
    this.#roomBytes = mode === 'list' ? keysBytes : 0;
  }

  /** Whether the whole shard was visited. */
  get isDone(): boolean {
    return this.#place === PLACE_END;
  }

  get place(): SlicePlace {
    return { place: this.#place, after: this.#after };
  }

  /** Goes on at another place; a comparison that was left is begun anew. */
  moveTo({ place, after }: SlicePlace): void {
    this.#place = place;
    this.#after = after;
    this.#paused = 0;
  }

  /** Share of the shard that was visited. */
  get fraction(): number {
    return this.#place / PLACE_END;
  }

  /** Sends the next slice; the status of the command, FULL when there is no room for it. */
  submit(session: ThreadSession, inPlace: number): number {
    const { core } = session;
    const { bytes, isGlob } = this.#pattern;
    const roomBytes = SCAN_PATTERN + bytes.length + this.#roomBytes;
    const target = core.beginScan(this.shard, this.#namespaceId, bytes.length, roomBytes);
    if (target === STATUS_FULL) return STATUS_FULL;
    const address = target >>> 0;
    const { view } = session.arena;
    view.setFloat64(address + SCAN_LIMIT, this.#limit, true);
    view.setFloat64(address + SCAN_AFTER, this.#after, true);
    view.setFloat64(address + SCAN_PLACE, this.#place, true);
    view.setFloat64(address + SCAN_PAUSED, this.#paused, true);
    view.setBigUint64(address + SCAN_STATE, this.#state, true);
    view.setUint32(address + SCAN_UNITS, this.#isMark ? 0 : this.unitsMax, true);
    session.bytes.set(bytes, address + SCAN_PATTERN);
    const flags = isGlob ? SCAN_GLOB : 0;
    const never = Number.POSITIVE_INFINITY;
    return core.submit(this.#roomBytes, 0, MODES[this.mode], flags, never, inPlace);
  }

  /** Takes the answer out of the record, which is given back afterwards. */
  take(session: ThreadSession, record: number): void {
    const { view } = session.arena;
    const address = record + RECORD_KEY;
    this.#isMark = false;
    this.#limit = view.getFloat64(address + SCAN_LIMIT, true);
    this.#after = view.getFloat64(address + SCAN_AFTER, true);
    this.#place = view.getFloat64(address + SCAN_PLACE, true);
    this.#paused = view.getFloat64(address + SCAN_PAUSED, true);
    this.#state = view.getBigUint64(address + SCAN_STATE, true);
    this.scanned = view.getUint32(address + SCAN_SCANNED, true);
    this.matched = view.getUint32(address + SCAN_MATCHED, true);
    if (this.mode === 'list') {
      const first = address + SCAN_PATTERN + this.#pattern.bytes.length;
      this.keys = readKeys(session, first, view.getUint32(address + SCAN_WRITTEN, true));
    }
  }
}

function readKeys(session: ThreadSession, first: number, totalBytes: number): string[] {
  const { buffer, arena } = session;
  const keys: string[] = [];
  for (let at = first; at < first + totalBytes; ) {
    const begin = at + LENGTH_BYTES;
    at = begin + arena.view.getUint16(at, true);
    keys.push(buffer.toString('utf8', begin, at));
  }
  return keys;
}
