// What the supervision of home workers and shards tells.

/** Why a shard had to be recovered. */
export type RecoveryReason = 'worker-lost' | 'worker-hung' | 'thread-died' | 'cut-off';

/** A shard whose holder was stopped in the middle of a change. */
export interface ShardRecovery {
  readonly shard: number;
  readonly reason: RecoveryReason;
  /** Thread slot of the holder. */
  readonly threadId: number;
  /** Position of the home worker in its group; `undefined` for other threads. */
  readonly workerIndex: number | undefined;
}

/** A home worker that ended without being asked to, and what was done about it. */
export interface WorkerLoss {
  /** Position of the worker in its group. */
  readonly workerIndex: number;
  /** Shards that the worker held in mid-write; they were started afresh and are empty. */
  readonly shardsReset: readonly number[];
  /** Whether it was terminated because it hung. */
  readonly wasHung: boolean;
  /** False when it died too often to be started again; `resize` tries again. */
  readonly restarted: boolean;
  readonly error: Error | undefined;
}

/** A home worker whose loop stood still; it was terminated. */
export interface WorkerHang {
  readonly workerIndex: number;
  /** Milliseconds without a sign of life. */
  readonly silentMs: number;
}

/** Who is told; nothing that it throws may come back. */
export interface GroupListener {
  shardRecovered(event: ShardRecovery): void;
  workerLost(event: WorkerLoss): void;
  workerHung(event: WorkerHang): void;
}
