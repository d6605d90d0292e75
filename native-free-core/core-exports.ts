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
  adoptSlot(threadId: number, generation: number, osId: number, osStartTime: number): number;
  detachThread(threadId: number, generation: number, stepsMax: number): number;

  read(keyBytes: number, namespaceId: number, flags: number): number;
  unpin(): void;
  /** XXH64 of a value: stripes of 32 bytes as they come, then the rest. Both halves signed. */
  beginValueHash(): void;
  addValueStripes(address: number, bytes: number): void;
  endValueHash(address: number, bytes: number): number;
  upperValueHash(): number;

  beginCommand(opcode: number, keyBytes: number, namespaceId: number, roomBytes: number): number;
  beginShardCommand(opcode: number, shardIndex: number): number;
  beginScan(
    shardIndex: number,
    namespaceId: number,
    patternBytes: number,
    roomBytes: number,
  ): number;
  beginTagCommand(
    opcode: number,
    shardIndex: number,
    namespaceId: number,
    roomBytes: number,
  ): number;
  describeCall(epoch: number): void;
  describeGuard(guard: number): void;
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
  cutOffSubmit(): number;
  answered(shardIndex: number): number;
  reap(shardIndex: number, record: number): void;
  waiting(shardIndex: number): number;

  holdShard(shardIndex: number, stepsMax: number): number;
  letGoShard(shardIndex: number): void;
  openImport(pageCount: number): number;
  closeImport(address: number, pageCount: number): void;
  importRecord(record: number, nowMs: number, itemFlags: number): number;
  stageImport(record: number, nowMs: number): number;
  countNearHits(hits: number): void;
  touchNear(reference: number, upperHash: number): void;

  registerNamespace(nameAddress: number, nameBytes: number): number;
  findNamespace(nameAddress: number, nameBytes: number): number;
  clearNamespace(namespaceId: number): void;
  /** Before the entries of a tag are removed; `tagHash` as unsigned 64 bits. */
  stampTag(tagHash: bigint): void;
  isTagNewer(tagHash: bigint, number: bigint): number;
  invalidationNumber(): bigint;
  shardOfKey(keyBytes: number, namespaceId: number): number;

  serveShard(shardIndex: number, nowMs: number): number;
  serveHome(home: number, nowMs: number): number;
  nextDueMs(home: number, nowMs: number): number;
  spinForWork(home: number, rounds: number): number;
  pause(home: number, timeoutMs: number): void;
  isTicking(): number;
  refreshMs(): number;
  park(home: number, timeoutMs: number, ticksOn: number): number;
  recoverShardOf(shardIndex: number, threadId: number, generation: number): number;
  recoverOwn(): number;
  recoverSlice(shardIndex: number): number;
  rebuildShard(shardIndex: number, nowMs: number): number;
  setHome(shardIndex: number, home: number): void;
  tick(nowMs: number): void;
  tickBy(home: number, nowMs: number): void;

  verifyShard(shardIndex: number, reportAddress: number, reportRoom: number): number;
  verifyIndexOnly(shardIndex: number, reportAddress: number, reportRoom: number): number;
  selfHash(address: number, bytes: number, seedAddress: number, targetAddress: number): void;
  selfGlob(
    text: number,
    textBytes: number,
    pattern: number,
    patternBytes: number,
    stepsMax: number,
  ): number;
  selfSketchAdd(shardIndex: number, key: number, entryCount: number): void;
  selfSketchEstimate(shardIndex: number, key: number): number;
  selfGhostAdd(shardIndex: number, hashAddress: number, ghostCount: number): void;
  selfGhostTake(shardIndex: number, hashAddress: number): number;
  trapAfterStores(count: number): void;
  storesUntilTrap(): number;
  boundSlices(units: number): void;
}
