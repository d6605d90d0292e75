import { describeValue } from '../describe-value.js';
import { invalidOptions } from '../errors.js';
import { nearestName } from '../nearest-name.js';
import type { ScanProgress } from './scan-progress.js';

/** Options of `invalidatePrefix`, `invalidateGlob`, `expirePrefix` and `expireGlob`. */
export interface ScanOptions {
  /**
   * Told how far the scan is: at its start, after every shard, about every 50 ms in between, and at
   * its end. What it throws ends the scan, which rejects with it.
   */
  readonly onProgress?: (progress: ScanProgress) => void;
  /** Ends the scan before its next slice; what was done until then stays done. */
  readonly signal?: AbortSignal;
}

const KNOWN_NAMES: readonly string[] = ['onProgress', 'signal'];

/** @throws {CacheError} `ERR_CACHE_INVALID_OPTIONS` */
export function checkScanOptions(operation: string, options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const problem = `options: must be an object such as { signal }, not ${describeValue(options)}`;
    throw invalidOptions(operation, [problem]);
  }
  for (const name in options) {
    if (KNOWN_NAMES.includes(name)) continue;
    const nearest = nearestName(name, KNOWN_NAMES);
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    throw invalidOptions(operation, [`${name}: is no option of a scan${hint}`]);
  }
  const { onProgress, signal } = options as { onProgress?: unknown; signal?: unknown };
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    const problem = `onProgress: must be a function, not ${describeValue(onProgress)}`;
    throw invalidOptions(operation, [problem]);
  }
  checkSignal(operation, signal);
}

/** @throws {CacheError} `ERR_CACHE_INVALID_OPTIONS` */
export function checkSignal(operation: string, signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  const problem = `signal: must be an AbortSignal, not ${describeValue(signal)}`;
  throw invalidOptions(operation, [problem]);
}
