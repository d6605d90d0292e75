// Answers of the core. Zero and above: the command was carried out, or will be; below zero: it was
// refused, except for a miss, which is an answer.

/** Carried out: stored, deleted, or changed. */
export const STATUS_OK: i32 = 0;
/** A condition of the caller did not hold, or there was no such key. */
export const STATUS_REFUSED: i32 = 1;
/** The command lies in the ring; its record will hold the answer. */
export const STATUS_PENDING: i32 = 2;
/** A read that asked for stale entries too found one. */
export const STATUS_STALE: i32 = 23;
/** A lease was asked for a key that has a live entry. */
export const STATUS_PRESENT: i32 = 29;
/** Another has the lease of the key. */
export const STATUS_WAIT: i32 = 30;
/** No lease is to be had: the table is full. */
export const STATUS_NO_LEASE: i32 = 31;
/** No live entry under that key. */
export const STATUS_MISS: i32 = -1;
/** The shard was held for longer than a reader waits: hit or miss is not known. */
export const STATUS_BUSY: i32 = -2;
/** The ring of this caller and shard has no room; try again when records were reaped. */
export const STATUS_FULL: i32 = -3;
/** The value is larger than the arena stores. */
export const STATUS_TOO_LARGE: i32 = -4;
/** No memory could be made free, although entries were evicted. */
export const STATUS_OUT_OF_MEMORY: i32 = -5;
/** The thread that applied the command died; whether it took effect is not known. */
export const STATUS_OUTCOME_UNKNOWN: i32 = -6;
/** The namespace registry is full. */
export const STATUS_TOO_MANY_NAMESPACES: i32 = -7;
/** All thread slots are taken. */
export const STATUS_NO_SLOT: i32 = -8;
/** The value of the key is not the decimal text of a safe integer. */
export const STATUS_NOT_A_NUMBER: i32 = -26;
/** The sum is beyond 2^53 - 1 or below -(2^53 - 1). */
export const STATUS_NUMBER_OVERFLOW: i32 = -27;
