/** The methods that scan and change. */
export type ScanOperation = 'invalidatePrefix' | 'invalidateGlob' | 'expirePrefix' | 'expireGlob';

/** How far a scan is, or how it ended. */
export interface ScanProgress {
  /** Names the scan: `engine.scan(id)`. */
  readonly id: string;
  readonly operation: ScanOperation;
  /** The prefix or glob. */
  readonly pattern: string;
  readonly state: 'running' | 'done' | 'aborted' | 'failed';
  /** Entries removed so far; 0 for the soft forms. */
  readonly deleted: number;
  /** Entries made stale so far; 0 for the others. */
  readonly expired: number;
  /** Live entries of the namespace that were compared so far. */
  readonly scanned: number;
  readonly shardsDone: number;
  readonly shardsTotal: number;
  /** From 0 to 1, never falling. */
  readonly fraction: number;
}
