// Exports of the core, nothing else. `../core-exports.ts` types them for the binding.

export { adoptSlot, attachThread, detachThread } from "./attachment";
export { createArena } from "./creation";
export {
  closeImport,
  holdShard,
  importRecord,
  letGoShard,
  openImport,
  stageImport,
} from "./importing";
export { recoverOwn, recoverShardOf, recoverSlice } from "./recovery-calls";
export { rebuildShard } from "./recovery-rebuild";
export { boundSlices } from "./recovery-rounds";
export { bindArena, bindThread } from "./arena";
export { clearNamespace } from "./clearing";
export {
  beginCommand,
  beginScan,
  beginShardCommand,
  beginTagCommand,
  commandRecord,
  commandShard,
  cutOffSubmit,
  describeCall,
  describeGuard,
  describePages,
  helpShard,
  submit,
} from "./commands";
export { selfGlob } from "./glob";
export { unpin } from "./hazard";
export { invalidationNumber, isTagNewer, stampTag } from "./invalidations";
export { findNamespace, registerNamespace } from "./namespaces";
export { countNearHits, read, touchNear } from "./reader";
export { nextDueMs, serveHome, serveShard } from "./maintenance";
export {
  answered,
  reap,
  selfGhostAdd,
  selfGhostTake,
  selfHash,
  selfSketchAdd,
  selfSketchEstimate,
  setHome,
  shardOfKey,
  waiting,
} from "./inspection";
export { isTicking, refreshMs, tick, tickBy } from "./clock";
export { park, pause, spinForWork } from "./parking";
export { addValueStripes, beginValueHash, endValueHash, upperValueHash } from "./value-hash";
export { verifyIndexOnly, verifyShard } from "./verify";
export { storesUntilTrap, trapAfterStores } from "./store";
