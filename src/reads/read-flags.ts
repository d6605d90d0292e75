// What a read asks of the core; the same bits as in its reader.

/** Copy the value, or pin it. */
export const READ_VALUE = 1;
/** A hit counts for recency and in the counters. */
export const READ_TOUCH = 2;
/** Also creation time and version. */
export const READ_META = 4;
/** Answer a stale entry with STALE instead of MISS; it counts as a miss all the same. */
export const READ_STALE = 8;
/** Also what a kept copy is checked by. */
export const READ_NEAR = 16;
export const READ_HIT: number = READ_VALUE | READ_TOUCH;
/** What a view tells: also age and version, and by which write the value is known. */
export const READ_VIEW: number = READ_HIT | READ_NEAR;
