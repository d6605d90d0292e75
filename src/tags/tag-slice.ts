import {
  RECORD_KEY,
  SLICE_AFFECTED,
  SLICE_HORIZON,
  SLICE_ITEM,
  SLICE_MEMBER,
  SLICE_ROUND,
  SLICE_SEQUENCE,
} from '../../native-free-core/assembly/layout.js';
import type { TagNames } from './tag-names.js';

const FIRST_SLICE = -1;

/** How far an invalidation has come in one shard: its place, from slice to slice. */
export class TagSlice {
  readonly shard: number;
  readonly names: TagNames;
  /** Live entries that were removed, or made stale, so far. */
  affected = 0;
  isDone = false;
  #member = 0;
  #item = 0;
  #sequence = 0;
  #round = 0;
  #horizon: number = FIRST_SLICE;

  constructor(shard: number, names: TagNames) {
    this.shard = shard;
    this.names = names;
  }

  /** Writes the place where the next slice goes on; the names follow at `SLICE_NAMES`. */
  write(view: DataView, address: number): void {
    view.setUint32(address + SLICE_MEMBER, this.#member, true);
    view.setUint32(address + SLICE_ITEM, this.#item, true);
    view.setFloat64(address + SLICE_SEQUENCE, this.#sequence, true);
    view.setUint32(address + SLICE_ROUND, this.#round, true);
    view.setFloat64(address + SLICE_HORIZON, this.#horizon, true);
  }

  /** Takes the answer out of a record. */
  take(view: DataView, record: number): void {
    const address = record + RECORD_KEY;
    this.#member = view.getUint32(address + SLICE_MEMBER, true);
    this.#item = view.getUint32(address + SLICE_ITEM, true);
    this.#sequence = view.getFloat64(address + SLICE_SEQUENCE, true);
    this.#round = view.getUint32(address + SLICE_ROUND, true);
    this.#horizon = view.getFloat64(address + SLICE_HORIZON, true);
    this.affected += view.getUint32(address + SLICE_AFFECTED, true);
    this.isDone = this.#member === 0;
  }
}
