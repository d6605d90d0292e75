import { parentPort, workerData } from 'node:worker_threads';
import { attachEngine, type Engine, type EngineHandle } from '../../src/index.js';
import { unexpectedMiss } from '../lib/contender.js';
import { createRandom, seedFor } from '../lib/random.js';
import { createWorkload, randomOrder, type Workload } from '../lib/workload.js';

/** Counts the rounds; readers wait on it. */
export const CONTROL_ROUND = 0;
/** Readers with a lower index take part in the round. */
export const CONTROL_ACTIVE = 1;
/** Not 0 when the round is over. */
export const CONTROL_STOP = 2;
/** Not 0 when the next round is not one. */
export const CONTROL_QUIT = 3;
export const CONTROL_WORDS = 4;

/** What a reader is started with. */
export interface ReaderInput {
  readonly handle: EngineHandle;
  /** `CONTROL_WORDS` words of 32 bits. */
  readonly control: SharedArrayBuffer;
  readonly readerIndex: number;
  readonly entryCount: number;
  readonly seed: number;
}

/** What a reader says after warming up and after each round. */
export interface ReaderReport {
  readonly readCount: number;
  readonly elapsedMs: number;
}

/** Reads between two looks at the stop word. */
const CHUNK_READS = 1000;
/** Length of the order that a reader walks round and round. */
const ORDER_READS = 100_000;
const WARM_UP_CHUNKS = 200;

function readChunk(engine: Engine, workload: Workload, order: Uint32Array, start: number): void {
  const { keys, values, valueMask } = workload;
  let difference = 0;
  for (let turn = start; turn < start + CHUNK_READS; turn++) {
    const index = order[turn] as number;
    const key = keys[index] as string;
    const view = engine.getView(key);
    if (view === undefined) {
      throw unexpectedMiss('hotshard', key);
    }
    const expected = values[index & valueMask] as Buffer;
    difference |= (view.bytes[0] as number) ^ (expected[0] as number);
  }
  if (difference !== 0) {
    throw new Error('a value read is not the value stored');
  }
}

function readUntilStopped(
  engine: Engine,
  workload: Workload,
  order: Uint32Array,
  control: Int32Array,
): ReaderReport {
  const start = performance.now();
  let readCount = 0;
  while (Atomics.load(control, CONTROL_STOP) === 0) {
    readChunk(engine, workload, order, readCount % ORDER_READS);
    readCount += CHUNK_READS;
  }
  return { readCount, elapsedMs: performance.now() - start };
}

async function serve(input: ReaderInput): Promise<void> {
  const control = new Int32Array(input.control);
  const engine = attachEngine(input.handle);
  const workload = createWorkload(input.entryCount, input.seed);
  const random = createRandom(seedFor(input.seed, `reader ${input.readerIndex}`));
  const order = randomOrder(ORDER_READS, input.entryCount, random);
  for (let chunk = 0; chunk < WARM_UP_CHUNKS; chunk++) {
    readChunk(engine, workload, order, (chunk * CHUNK_READS) % ORDER_READS);
  }
  let round = Atomics.load(control, CONTROL_ROUND);
  parentPort?.postMessage({ readCount: 0, elapsedMs: 0 } satisfies ReaderReport);
  for (;;) {
    Atomics.wait(control, CONTROL_ROUND, round);
    round = Atomics.load(control, CONTROL_ROUND);
    if (Atomics.load(control, CONTROL_QUIT) !== 0) {
      break;
    }
    if (input.readerIndex < Atomics.load(control, CONTROL_ACTIVE)) {
      parentPort?.postMessage(readUntilStopped(engine, workload, order, control));
    }
  }
  await engine.close();
}

// The constants above are also imported by the suite, in a thread without a parent.
if (parentPort !== null) {
  await serve(workerData as ReaderInput);
}
