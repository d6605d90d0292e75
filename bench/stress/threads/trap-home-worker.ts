// A home worker of the build that stops at a store: on request it dies in the middle of its work.
// Words of the environment data TRAP_WORDS: [0] stores after which the next worker dies, 0 = none.

import { getEnvironmentData, workerData } from 'node:worker_threads';
import type { CoreExports } from '../../../native-free-core/core-exports.js';
import { type HomeWorkerData, serveShards } from '../../../workers/home-loop.js';
import { loadTrapCore, TRAP_WORDS } from '../lib/internals.js';

const words = getEnvironmentData(TRAP_WORDS) as unknown as Int32Array;
const data = workerData as HomeWorkerData;
let isArmed = false;

function arm(core: CoreExports): void {
  const stores = Atomics.load(words, 0);
  if (isArmed || stores === 0) return;
  if (Atomics.compareExchange(words, 0, stores, 0) !== stores) return;
  isArmed = true;
  core.trapAfterStores(stores);
}

serveShards({ ...data, arena: { ...data.arena, module: loadTrapCore() } }, (arena) => {
  arm(arena.core);
});
