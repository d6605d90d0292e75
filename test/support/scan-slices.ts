/** Scans of the bare core: one slice at a time, with a budget of the test's choice. */
import {
  RECORD_KEY,
  SCAN_AFTER,
  SCAN_GLOB,
  SCAN_LIMIT,
  SCAN_MATCHED,
  SCAN_PATTERN,
  SCAN_PAUSED,
  SCAN_PLACE,
  SCAN_SCANNED,
  SCAN_STATE,
  SCAN_UNITS,
  SCAN_WRITTEN,
} from '../../native-free-core/assembly/layout.js';
import type { CoreArena } from './core-arena.js';
import { type CoreThread, toBytes } from './core-thread.js';

const LIMIT_NOW = -1;
const PLACE_END = 2 ** 32;
const LENGTH_BYTES = 2;
const SLICES_MAX = 1_000_000;

export interface CoreScanOptions {
  /** SCAN_LIST, SCAN_DELETE, SCAN_EXPIRE. */
  readonly mode: number;
  readonly prefix?: string;
  readonly glob?: string;
  readonly namespaceId?: number;
  readonly shard?: number;
  /** Whether entries written after the first slice are taken too; a listing always does. */
  readonly takesLater?: boolean;
  /** Work of one slice; by default as much as the core allows. */
  readonly unitsMax?: number;
  /** Room for keys. */
  readonly roomBytes?: number;
}

export class CoreScan {
  /** Entries compared and matched in all slices. */
  scanned = 0;
  matched = 0;
  readonly keys: string[] = [];
  isDone = false;
  private readonly arena: CoreArena;
  private readonly thread: CoreThread;
  private readonly options: CoreScanOptions;
  private limit: number;
  private after = 0;
  private place = 0;
  private paused = 0;
  private state = 0n;

  constructor(arena: CoreArena, thread: CoreThread, options: CoreScanOptions) {
    this.arena = arena;
    this.thread = thread;
    this.options = options;
    const takesLater = options.takesLater ?? options.mode === 0;
    this.limit = takesLater ? Number.POSITIVE_INFINITY : LIMIT_NOW;
  }

  /** One slice, in place; the status of the command. */
  slice(unitsMax: number = this.options.unitsMax ?? 0xffff_ffff): number {
    const { mode, prefix = '', glob, namespaceId = 0, shard = 0, roomBytes = 600 } = this.options;
    const { core } = this.thread;
    const { view } = this.arena;
    const pattern = toBytes(glob ?? prefix);
    this.thread.collect();
    const room = SCAN_PATTERN + pattern.length + roomBytes;
    const at = core.beginScan(shard, namespaceId, pattern.length, room) >>> 0;
    view.setFloat64(at + SCAN_LIMIT, this.limit, true);
    view.setFloat64(at + SCAN_AFTER, this.after, true);
    view.setFloat64(at + SCAN_PLACE, this.place, true);
    view.setFloat64(at + SCAN_PAUSED, this.paused, true);
    view.setBigUint64(at + SCAN_STATE, this.state, true);
    view.setUint32(at + SCAN_UNITS, unitsMax, true);
    this.arena.bytes.set(pattern, at + SCAN_PATTERN);
    const flags = glob === undefined ? 0 : SCAN_GLOB;
    const status = core.submit(roomBytes, 0, mode, flags, Number.POSITIVE_INFINITY, 1);
    if (status === 0) this.take((core.commandRecord() >>> 0) + RECORD_KEY, pattern.length);
    return status;
  }

  private take(at: number, patternBytes: number): void {
    const { view, bytes } = this.arena;
    this.limit = view.getFloat64(at + SCAN_LIMIT, true);
    this.after = view.getFloat64(at + SCAN_AFTER, true);
    this.place = view.getFloat64(at + SCAN_PLACE, true);
    this.paused = view.getFloat64(at + SCAN_PAUSED, true);
    this.state = view.getBigUint64(at + SCAN_STATE, true);
    this.scanned += view.getUint32(at + SCAN_SCANNED, true);
    this.matched += view.getUint32(at + SCAN_MATCHED, true);
    this.isDone = this.place === PLACE_END;
    let next = at + SCAN_PATTERN + patternBytes;
    const end = next + view.getUint32(at + SCAN_WRITTEN, true);
    while (next < end) {
      const keyBytes = view.getUint16(next, true);
      const first = next + LENGTH_BYTES;
      this.keys.push(Buffer.from(bytes.slice(first, first + keyBytes)).toString());
      next = first + keyBytes;
    }
  }

  /** Runs to the end; the slices that took. `between` runs after each slice. */
  run(between: () => void = () => undefined): number {
    for (let slices = 1; slices <= SLICES_MAX; slices++) {
      const status = this.slice();
      if (status !== 0) throw new Error(`a slice answered ${status}`);
      if (this.isDone) return slices;
      between();
    }
    throw new Error(`the scan is not over after ${SLICES_MAX} slices`);
  }
}
