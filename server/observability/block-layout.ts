/**
 * Where the counters of the service lie: one block of shared memory, in words of 8 bytes that each
 * hold a double. A thread writes its own part alone, by plain stores, and reads all of them; counts
 * are exact up to 2^53. Aligned words of 8 bytes are never seen half-written where Node.js runs.
 *
 *     block:  | head | part of thread 0 | part of thread 1 | …
 *
 *     head    0  milliseconds since 1970 when the service began to listen
 *             1  1 once it is stopping
 *             2  threads that ended unasked and were replaced
 *             3  1 when threads ended too often to be replaced any more
 *
 *     part    0  state of the thread: 0 none, 1 starting, 2 serving, 3 ended
 *             1  connections open          4  writes that wait for an answer, in keys
 *             2  WebSockets open           5  requests to paths or methods that nothing serves
 *             3  requests not answered yet 6  spare
 *             7  event loop delay: median, 8  99th percentile, 9  maximum; milliseconds
 *            10  reads: default namespace hits, 11 misses; 12 named hits, 13 misses
 *            16  operations, in the order of their names, OPERATION_WORDS each:
 *                  0 ok, 1 refused, 2 failed, 3 sum of durations in milliseconds,
 *                  4 … as many as there are buckets: durations in each
 *
 * Parts begin at multiples of PART_ALIGN_WORDS: threads do not share a cache line.
 */
import { OPERATION_NAMES } from '../operation-names.js';

/** Upper bounds of the buckets of durations, in milliseconds; the last bucket has none. */
export const BUCKET_BOUNDS_MS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500,
  5_000, 10_000,
];
export const BUCKET_COUNT: number = BUCKET_BOUNDS_MS.length + 1;

export const HEAD_STARTED_AT = 0;
export const HEAD_DRAINING = 1;
export const HEAD_REPLACED = 2;
export const HEAD_GAVE_UP = 3;

export const PART_STATE = 0;
export const PART_CONNECTIONS = 1;
export const PART_SOCKETS = 2;
export const PART_PENDING_REQUESTS = 3;
export const PART_PENDING_WRITES = 4;
export const PART_UNROUTED = 5;
export const PART_LOOP_DELAY = 7;
export const PART_READS = 10;
export const PART_OPERATIONS = 16;

export const OPERATION_SUM = 3;
export const OPERATION_BUCKETS = 4;
export const OPERATION_WORDS: number = OPERATION_BUCKETS + BUCKET_COUNT;

export const PART_ALIGN_WORDS = 16;
export const HEAD_WORDS: number = PART_ALIGN_WORDS;
export const PART_WORDS: number =
  Math.ceil((PART_OPERATIONS + OPERATION_NAMES.length * OPERATION_WORDS) / PART_ALIGN_WORDS) *
  PART_ALIGN_WORDS;
