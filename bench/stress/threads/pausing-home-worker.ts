// A home worker that stops for a moment now and then, so that rings fill and callers fall asleep.

import { workerData } from 'node:worker_threads';
import { type HomeWorkerData, serveShards } from '../../../workers/home-loop.js';
import { createRandom } from '../../lib/random.js';

const data = workerData as HomeWorkerData;
const random = createRandom(Math.floor(data.birthMs) >>> 0);
const nobody = new Int32Array(new SharedArrayBuffer(4));
/** A pause in so many rounds. */
const ROUNDS_PER_PAUSE = 256;
const PAUSE_MS_MAX = 3;

serveShards(data, () => {
  if (random.below(ROUNDS_PER_PAUSE) !== 0) return;
  Atomics.wait(nobody, 0, 0, (random.below(1_000) / 1_000) * PAUSE_MS_MAX);
});
