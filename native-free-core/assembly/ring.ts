// Command ring: one producer (the caller), one consumer at a time (the holder of the shard), per
// caller and shard. A record is its own completion: the holder writes the answer into it and
// moves `done`; the caller reaps it and moves `head`. The tail is stored when the record is
// complete, so a caller that dies leaves no hole.
//
// Positions count bytes modulo 2^32; the capacity is a power of two. A record never wraps: what
// is left at the end of the ring becomes a PAD record.

import { pageBytes } from "./arena";
import {
  OP_PAD,
  RECORD_OPCODE,
  RECORD_SIZE,
  RING_CLAIMED,
  RING_DONE,
  RING_HEAD,
  RING_RECORDS,
  RING_TAIL,
  RING_TAKEN,
} from "./layout";
import { put32, put8, release32 } from "./store";

@inline
export function ringCapacity(): u32 {
  return pageBytes >> 1;
}

@inline
export function recordAt(ring: usize, position: u32): usize {
  return ring + RING_RECORDS + (position & (ringCapacity() - 1));
}

/**
 * Finds room for a record of `size` bytes behind the tail; its address, or 0 when the ring is
 * full. Nothing is published: the claim stands until the next one.
 */
export function claimRecord(ring: usize, size: u32): usize {
  const capacity = ringCapacity();
  const tail = load<u32>(ring + RING_TAIL);
  const toEnd = capacity - (tail & (capacity - 1));
  const padding = size > toEnd ? toEnd : 0;
  if (tail + padding + size - load<u32>(ring + RING_HEAD) > capacity) return 0;
  if (padding != 0) {
    const pad = recordAt(ring, tail);
    put32(pad + RECORD_SIZE, padding);
    put8(pad + RECORD_OPCODE, OP_PAD);
  }
  put32(ring + RING_CLAIMED, tail + padding);
  return recordAt(ring, tail + padding);
}

/** Publishes the claimed record, whose size field is set. */
export function publishRecord(ring: usize): void {
  const position = load<u32>(ring + RING_CLAIMED);
  const size = load<u32>(recordAt(ring, position) + RECORD_SIZE);
  release32(ring + RING_TAIL, position + size);
}

/** Bytes published and not yet answered. */
@inline
export function waitingBytes(ring: usize): u32 {
  return atomic.load<u32>(ring + RING_TAIL) - load<u32>(ring + RING_DONE);
}

/** The next record to apply, marked as taken; 0 when none waits. Padding is passed over. */
export function takeRecord(ring: usize): usize {
  while (waitingBytes(ring) != 0) {
    const position = load<u32>(ring + RING_DONE);
    const record = recordAt(ring, position);
    if (load<u8>(record + RECORD_OPCODE) == OP_PAD) {
      release32(ring + RING_DONE, position + load<u32>(record + RECORD_SIZE));
      continue;
    }
    // Recovery answers a taken record instead of applying it a second time.
    release32(ring + RING_TAKEN, position + 1);
    return record;
  }
  return 0;
}

/** Hands the answered record back to its caller. */
export function finishRecord(ring: usize, record: usize): void {
  release32(ring + RING_DONE, load<u32>(ring + RING_DONE) + load<u32>(record + RECORD_SIZE));
  release32(ring + RING_TAKEN, 0);
}

/** The oldest answered record that was not reaped yet; 0 when there is none. Caller only. */
export function answeredRecord(ring: usize): usize {
  const done = atomic.load<u32>(ring + RING_DONE);
  let head = load<u32>(ring + RING_HEAD);
  while (head != done) {
    const record = recordAt(ring, head);
    if (load<u8>(record + RECORD_OPCODE) != OP_PAD) return record;
    head += load<u32>(record + RECORD_SIZE);
    put32(ring + RING_HEAD, head);
  }
  return 0;
}

/** Reaps the record that `answeredRecord` gave. Caller only. */
export function reapRecord(ring: usize, record: usize): void {
  put32(ring + RING_HEAD, load<u32>(ring + RING_HEAD) + load<u32>(record + RECORD_SIZE));
}
