// Exports of the core, nothing else. `../core-exports.ts` types them for the binding.

export { attachThread, detachThread } from "./attachment";
export { createArena } from "./creation";
export { resetShardOf } from "./reset";
export { bindArena, bindThread } from "./arena";
export {
  beginCommand,
  beginShardCommand,
  commandRecord,
  commandShard,
  describeCall,
  describePages,
  helpShard,
  submit,
} from "./commands";
export { unpin } from "./hazard";
export { clearNamespace, registerNamespace } from "./namespaces";
export { read } from "./reader";
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
export { isTicking, tick } from "./clock";
export { park, pause, spinForWork } from "./parking";
export { verifyIndexOnly, verifyShard } from "./verify";
export { storesUntilTrap, trapAfterStores } from "./store";
