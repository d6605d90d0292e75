// The command that this thread is applying in place; left standing when that is cut off.

let applied: usize = 0;
let appliedTo: usize = 0;

/** Before a record is applied to a held shard. */
@inline
export function beginInPlace(shard: usize, record: usize): void {
  appliedTo = shard;
  applied = record;
}

/** After the shard was freed. */
@inline
export function endInPlace(): void {
  applied = 0;
}

/** Record of the command that was cut off while this thread held the shard; 0 = none. */
export function cutOffRecord(shard: usize): usize {
  return appliedTo == shard ? applied : 0;
}
