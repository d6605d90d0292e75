import type { OperationName } from '../operation-names.js';

/** How an operation ended, by the class of its status. */
export type Outcome = 'ok' | 'refused' | 'failed';

/** Namespaces are told apart as classes only: their names are no labels. */
export type NamespaceClass = 'default' | 'named';

/**
 * What one thread counts while it serves. Recording must not allocate; every thread writes its own
 * part of a block that all threads read.
 */
export interface ServiceMetrics {
  /** One operation ended after so many milliseconds. */
  recordOperation(operation: OperationName, outcome: Outcome, durationMs: number): void;
  /** So many keys were asked for: found in memory (`l1`), or not at all. */
  recordReads(namespace: NamespaceClass, hits: number, misses: number): void;
  /** A request that nothing serves: no path, no method, no message of the protocol. */
  recordUnrouted(): void;
}
