// Types of the compiled core (assembly/core.ts). Addresses come back signed: use `>>> 0`.

/** What the core asks of its host. */
export interface CoreHost {
  /** Milliseconds since the arena's birth, monotonic, the same clock in every thread. */
  nowMs(): number;
}

/** Commands on the key in this thread's key scratch area, unless stated otherwise. */
export interface CoreExports {
  bindArena(): void;
  createArena(entryCountMax: number): void;
  attachThread(osThreadId: number, osStartTime: number, countsAsCaller: number): number;
  bindThread(threadId: number): void;
  detachThread(threadId: number, generation: number, stepsMax: number): number;

  read(keyBytes: number, namespaceId: number, flags: number): number;
  unpin(): void;

  beginCommand(opcode: number, keyBytes: number, namespaceId: number, roomBytes: number): number;
  beginShardCommand(opcode: number, shardIndex: number): number;
  describeCall(epoch: number): void;
  describePages(firstPage: number, oldReference: number): void;
  submit(
    valueBytes: number,
    contentTypeBytes: number,
    encoding: number,
    flags: number,
    ttlMs: number,
    inPlace: number,
  ): number;
  commandShard(): number;
  commandRecord(): number;
  helpShard(shardIndex: number): number;
  answered(shardIndex: number): number;
  reap(shardIndex: number, record: number): void;
  waiting(shardIndex: number): number;

  registerNamespace(nameAddress: number, nameBytes: number): number;
  clearNamespace(namespaceId: number): void;
  shardOfKey(keyBytes: number, namespaceId: number): number;

  serveShard(shardIndex: number, nowMs: number): number;
  serveHome(home: number, nowMs: number): number;
  nextDueMs(home: number, nowMs: number): number;
  spinForWork(home: number, rounds: number): number;
  pause(home: number, timeoutMs: number): void;
  isTicking(): number;
  park(home: number, timeoutMs: number, stopsTicking: number): number;
  resetShardOf(shardIndex: number, deadThreadId: number, generation: number): number;
  setHome(shardIndex: number, home: number): void;
  tick(nowMs: number): void;

  verifyShard(shardIndex: number, reportAddress: number, reportRoom: number): number;
  verifyIndexOnly(shardIndex: number, reportAddress: number, reportRoom: number): number;
  selfHash(address: number, bytes: number, seedAddress: number, targetAddress: number): void;
  selfSketchAdd(shardIndex: number, key: number, entryCount: number): void;
  selfSketchEstimate(shardIndex: number, key: number): number;
  selfGhostAdd(shardIndex: number, hashAddress: number, ghostCount: number): void;
  selfGhostTake(shardIndex: number, hashAddress: number): number;
  trapAfterStores(count: number): void;
  storesUntilTrap(): number;
}
