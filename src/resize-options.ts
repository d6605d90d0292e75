import { describeValue } from './describe-value.js';
import { invalidOptions } from './errors.js';

/** What `resize` takes. */
export interface ResizeOptions {
  /** Home worker threads from now on, 0 to the number of shards. */
  readonly workers: number;
}

/** What `resize` did. */
export interface ResizeResult {
  /** Home worker threads now. */
  readonly workers: number;
  /** Shards that another worker, or none, looks after now. */
  readonly shardsMoved: number;
}

/** What bounds the number of home workers. */
export interface ResizeBounds {
  readonly shardCount: number;
  readonly threadCountMax: number;
  /** Whether the engine was given a clock of its own, which no worker knows. */
  readonly hasOwnClock: boolean;
}

/**
 * The number of workers asked for. Pure.
 *
 * @throws {CacheError} `ERR_CACHE_INVALID_OPTIONS` with all problems
 */
export function checkResize(raw: unknown, bounds: ResizeBounds): number {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw invalidOptions('resize options', [`must be { workers }, not ${describeValue(raw)}`]);
  }
  const given: Readonly<Record<string, unknown>> = { ...raw };
  const problems = Object.keys(given)
    .filter((name) => name !== 'workers')
    .map((name) => `${name}: unknown option; known is workers`);
  const workers = given['workers'];
  const problem = workersProblem(workers, bounds);
  if (problem !== undefined) problems.push(`workers: ${problem}`);
  if (problems.length > 0) throw invalidOptions('resize options', problems);
  return workers as number;
}

function workersProblem(value: unknown, bounds: ResizeBounds): string | undefined {
  const { shardCount, threadCountMax, hasOwnClock } = bounds;
  if (hasOwnClock && value !== 0) {
    return `${describeValue(value)} is out of range: 0, since the engine has a clock of its own`;
  }
  const most = Math.min(shardCount, threadCountMax - 1);
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) {
    return undefined;
  }
  const reason =
    most === shardCount
      ? 'one for each shard'
      : `the engine has ${threadCountMax} thread slots, one of them for the calling thread`;
  return `${describeValue(value)} is out of range: an integer 0 to ${most}, ${reason}`;
}
