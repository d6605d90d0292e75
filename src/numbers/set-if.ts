import { describeValue } from '../describe-value.js';
import { invalidOptions } from '../errors.js';
import type { SetOptions } from '../set-options.js';

/** Options of `setIf`. */
export interface SetIfOptions extends SetOptions {
  /** `version` that `getWithMeta` gave; 0: the key must be absent. */
  readonly version: number;
}

/** @throws {CacheError} `ERR_CACHE_INVALID_OPTIONS` */
export function splitSetIf(options: SetIfOptions): { version: number; rest: SetOptions } {
  const { version, ...rest } = (options ?? {}) as SetIfOptions;
  checkVersion('setIf', version);
  return { version, rest };
}

/** @throws {CacheError} `ERR_CACHE_INVALID_OPTIONS` */
export function checkVersion(operation: string, version: number): void {
  if (Number.isSafeInteger(version) && version >= 0) return;
  const given = describeValue(version);
  throw invalidOptions(operation, [`version: ${given} is no version: an integer of 0 or more`]);
}
