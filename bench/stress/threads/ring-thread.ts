// A thread that swaps the values of its own keys through rings: each answer must be the value of
// the swap before, so that a command that is lost, doubled or out of order shows.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { attachEngine, type EngineHandle } from '../../../src/index.js';
import { createRandom } from '../../lib/random.js';

/** What to do. */
export interface RingThreadData {
  readonly handle: EngineHandle;
  readonly thread: number;
  readonly seed: number;
  readonly commands: number;
}

/** What a thread tells when it ends. */
export interface RingThreadReport {
  readonly commands: number;
  readonly problems: readonly string[];
}

const KEYS = 5;
const BURST_MAX = 60;
/** About eight records of the second size fill a ring of 8 KiB. */
const SIZES = [10, 900, 100];
const PROBLEMS_MAX = 10;

const { handle, thread, seed, commands } = workerData as RingThreadData;
const engine = attachEngine(handle);
const random = createRandom(seed + thread);
const counts = new Float64Array(KEYS);
const problems: string[] = [];
const paddings = SIZES.map((size) => 'x'.repeat(size));

async function swap(key: number): Promise<void> {
  const before = counts[key] as number;
  counts[key] = before + 1;
  const padding = paddings[random.below(paddings.length)] as string;
  const value = `${before + 1} ${padding}`;
  const old = await engine.getAndSet<string>(`ring ${thread} ${key}`, value);
  const name = old === undefined ? 0 : Number.parseInt(old, 10);
  if (name === before || problems.length >= PROBLEMS_MAX) return;
  problems.push(`thread ${thread}: swap ${before + 1} of key ${key} gave back ${name}`);
}

let sent = 0;
while (sent < commands && problems.length === 0) {
  const burst = 1 + random.below(BURST_MAX);
  const answers = Array.from({ length: burst }, () => swap(random.below(KEYS)));
  sent += burst;
  if (random.below(8) === 0) await nextTurn();
  else await Promise.all(answers);
}
// Answers come in the order of the calls.
await Promise.all(Array.from(counts, (_, key) => swap(key)));
await engine.close();
const report: RingThreadReport = { commands: sent + KEYS, problems };
parentPort?.postMessage(report);
