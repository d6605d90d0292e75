import type { Workload } from './workload.js';

/**
 * A cache under test, doing one task. Each contender has its own loop over the order, so that no
 * call site of a loop sees more than one kind of cache.
 */
export interface Contender {
  readonly name: string;
  /** Makes the cache; filled with the workload's entries unless it is there for new keys. */
  open(): void | Promise<void>;
  /** The timed part: one operation per index. Returns the hash of what it read. */
  run(order: Uint32Array): number | Promise<number>;
  /** The first byte of an entry's value, or undefined on a miss; for tasks that set. Not timed. */
  readonly firstByteOf?: (index: number) => number | undefined | Promise<number | undefined>;
  close(): void | Promise<void>;
}

/** What a contender is made from. */
export interface ContenderInput {
  readonly name: string;
  readonly workload: Workload;
  /** Whether `open` fills the cache. */
  readonly filled: boolean;
}

/** Makes a contender for one row. */
export type ContenderFactory = (input: ContenderInput) => Contender;

/** The miss that no benchmark expects: everything was stored and fits. */
export function unexpectedMiss(name: string, key: string | undefined): Error {
  return new Error(`${name}: "${key}" is missing, though it was stored and fits`);
}
