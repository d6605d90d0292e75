// What the core answers, the same numbers as in assembly/status.ts. Zero and above: the command
// was carried out, or will be; below zero: it was refused, except for a miss, which is an answer.

/** Carried out: stored, deleted, or changed. */
export const STATUS_OK = 0;
/** A condition of the caller did not hold, or there was no such key. */
export const STATUS_REFUSED = 1;
/** The command lies in the ring; its record will hold the answer. */
export const STATUS_PENDING = 2;
/** A read that asked for stale entries too found one. */
export const STATUS_STALE = 23;
/** A lease was asked for a key that has a live entry. */
export const STATUS_PRESENT = 29;
/** Another has the lease of the key. */
export const STATUS_WAIT = 30;
/** No lease is to be had: the table is full. */
export const STATUS_NO_LEASE = 31;
/** No live entry under that key. */
export const STATUS_MISS = -1;
/** The shard was held for longer than a reader waits: hit or miss is not known. */
export const STATUS_BUSY = -2;
/** The ring of this caller and shard has no room; try again when records were reaped. */
export const STATUS_FULL = -3;
/** The value is larger than the arena stores. */
export const STATUS_TOO_LARGE = -4;
/** No memory could be made free, although entries were evicted. */
export const STATUS_OUT_OF_MEMORY = -5;
/** The thread that applied the command died; whether it took effect is not known. */
export const STATUS_OUTCOME_UNKNOWN = -6;
/** The namespace registry is full. */
export const STATUS_TOO_MANY_NAMESPACES = -7;
/** All thread slots are taken. */
export const STATUS_NO_SLOT = -8;
/** The value of the key is not the decimal text of a safe integer. */
export const STATUS_NOT_A_NUMBER = -26;
/** The sum is beyond 2^53 - 1 or below -(2^53 - 1). */
export const STATUS_NUMBER_OVERFLOW = -27;

/** The statuses that answer a question or confirm a command. */
export type AnswerStatus =
  | typeof STATUS_OK
  | typeof STATUS_REFUSED
  | typeof STATUS_PENDING
  | typeof STATUS_STALE
  | typeof STATUS_PRESENT
  | typeof STATUS_WAIT
  | typeof STATUS_NO_LEASE
  | typeof STATUS_MISS;

/** The statuses that tell a caller its command cannot be carried out as asked. */
export type RefusalStatus =
  | typeof STATUS_BUSY
  | typeof STATUS_FULL
  | typeof STATUS_TOO_LARGE
  | typeof STATUS_OUT_OF_MEMORY
  | typeof STATUS_OUTCOME_UNKNOWN
  | typeof STATUS_TOO_MANY_NAMESPACES
  | typeof STATUS_NO_SLOT
  | typeof STATUS_NOT_A_NUMBER
  | typeof STATUS_NUMBER_OVERFLOW;

export type Status = AnswerStatus | RefusalStatus;
