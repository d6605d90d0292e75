import { createEngine, type Engine } from '../../src/index.js';
import {
  type Contender,
  type ContenderFactory,
  type ContenderInput,
  unexpectedMiss,
} from '../lib/contender.js';
import { type BenchObject, benchObject, VALUE_BYTES, type Workload } from '../lib/workload.js';

/** Sets that are under way before the caller waits for them. */
const BATCH_SETS = 1000;

type Loop = (engine: Engine, workload: Workload, order: Uint32Array) => number | Promise<number>;

/** What one contender of ours does. */
interface HotshardTask {
  readonly content: 'bytes' | 'objects';
  readonly writes: 'inplace' | 'ring';
  readonly memory: string;
  readonly loop: Loop;
}

function readViews(engine: Engine, workload: Workload, order: Uint32Array): number {
  const { keys } = workload;
  let hash = 0;
  for (let turn = 0; turn < order.length; turn++) {
    const key = keys[order[turn] as number] as string;
    const view = engine.getView(key);
    if (view === undefined) {
      throw unexpectedMiss('hotshard', key);
    }
    hash = (Math.imul(hash, 31) + (view.bytes[0] as number)) | 0;
  }
  return hash;
}

function readBytes(engine: Engine, workload: Workload, order: Uint32Array): number {
  const { keys } = workload;
  const target = new Uint8Array(VALUE_BYTES);
  let hash = 0;
  for (let turn = 0; turn < order.length; turn++) {
    const key = keys[order[turn] as number] as string;
    if (engine.readInto(key, target) < 0) {
      throw unexpectedMiss('hotshard', key);
    }
    hash = (Math.imul(hash, 31) + (target[0] as number)) | 0;
  }
  return hash;
}

function readObjects(engine: Engine, workload: Workload, order: Uint32Array): number {
  const { keys } = workload;
  let hash = 0;
  for (let turn = 0; turn < order.length; turn++) {
    const key = keys[order[turn] as number] as string;
    const value = engine.get<BenchObject>(key);
    if (value === undefined) {
      throw unexpectedMiss('hotshard', key);
    }
    hash = (Math.imul(hash, 31) + value.score) | 0;
  }
  return hash;
}

/** Every promise of a batch is awaited, as a caller does who must know that all are applied. */
async function setInBatches(
  engine: Engine,
  workload: Workload,
  order: Uint32Array,
): Promise<number> {
  const { keys, values, valueMask } = workload;
  let pending: Promise<boolean>[] = [];
  for (let turn = 0; turn < order.length; turn++) {
    const key = keys[order[turn] as number] as string;
    pending.push(engine.set(key, values[turn & valueMask]));
    if (pending.length === BATCH_SETS) {
      await Promise.all(pending);
      pending = [];
    }
  }
  await Promise.all(pending);
  return order.length;
}

/**
 * Nobody waits for a single write; the loop yields after each batch. Nobody sees a single refusal
 * either: refusals are counted, and what is stored is read back, after the clock stops.
 */
async function setAndForget(
  engine: Engine,
  workload: Workload,
  order: Uint32Array,
): Promise<number> {
  const { keys, values, valueMask } = workload;
  for (let start = 0; start < order.length; start += BATCH_SETS) {
    const end = Math.min(start + BATCH_SETS, order.length);
    let last: Promise<boolean> | undefined;
    for (let turn = start; turn < end; turn++) {
      last = engine.set(keys[order[turn] as number] as string, values[turn & valueMask]);
    }
    await last;
  }
  return order.length;
}

async function setAndAwaitEach(
  engine: Engine,
  workload: Workload,
  order: Uint32Array,
): Promise<number> {
  const { keys, values, valueMask } = workload;
  for (let turn = 0; turn < order.length; turn++) {
    await engine.set(keys[order[turn] as number] as string, values[turn & valueMask]);
  }
  return order.length;
}

async function fill(engine: Engine, workload: Workload, content: 'bytes' | 'objects') {
  const { keys, values, valueMask } = workload;
  for (let start = 0; start < keys.length; start += BATCH_SETS) {
    const batch = keys.slice(start, start + BATCH_SETS).map((key, offset) => {
      const index = start + offset;
      return engine.set(key, content === 'bytes' ? values[index & valueMask] : benchObject(index));
    });
    await Promise.all(batch);
  }
}

/** A write that was refused is fast and does nothing: such a measurement is none. */
function checkNoneFailed(name: string, engine: Engine): void {
  const { failedWrites } = engine.stats();
  if (failedWrites !== 0) {
    throw new Error(`${name}: ${failedWrites} writes failed`);
  }
}

function createContender(input: ContenderInput, task: HotshardTask): Contender {
  const { name, workload } = input;
  let engine: Engine | undefined;
  const opened = (): Engine => {
    if (engine === undefined) {
      throw new Error(`${name} is not open`);
    }
    return engine;
  };
  return {
    name,
    async open() {
      engine = await createEngine({
        memory: task.memory,
        defaultTtl: '1h',
        writes: { kind: task.writes },
      });
      if (input.filled) {
        await fill(engine, workload, task.content);
      }
    },
    run: (order) => task.loop(opened(), workload, order),
    firstByteOf: (index) => opened().getBytes(workload.keys[index] as string)?.[0],
    async close() {
      checkNoneFailed(name, opened());
      await opened().close();
      engine = undefined;
    },
  };
}

function task(description: HotshardTask): ContenderFactory {
  return (input) => createContender(input, description);
}

/** `getView` and one byte of it. */
export const hotshardViews: ContenderFactory = task({
  content: 'bytes',
  writes: 'inplace',
  memory: '64mb',
  loop: readViews,
});

/** `readInto` a buffer on the heap, and one byte of that. */
export const hotshardBytes: ContenderFactory = task({
  content: 'bytes',
  writes: 'inplace',
  memory: '64mb',
  loop: readBytes,
});

/** `get` of a decoded object, and one member of it. */
export const hotshardObjects: ContenderFactory = task({
  content: 'objects',
  writes: 'inplace',
  memory: '64mb',
  loop: readObjects,
});

/** Sets through the ring, a batch at a time. */
export function hotshardPipelined(memory: string): ContenderFactory {
  return task({ content: 'bytes', writes: 'ring', memory, loop: setInBatches });
}

/** Sets through the ring, each awaited before the next. */
export const hotshardRingAwaited: ContenderFactory = task({
  content: 'bytes',
  writes: 'ring',
  memory: '64mb',
  loop: setAndAwaitEach,
});

/** Sets in place, as the default is. */
export function hotshardInPlace(memory: string): ContenderFactory {
  return task({ content: 'bytes', writes: 'inplace', memory, loop: setAndForget });
}

/** Sets in place, each awaited before the next. */
export const hotshardInPlaceAwaited: ContenderFactory = task({
  content: 'bytes',
  writes: 'inplace',
  memory: '64mb',
  loop: setAndAwaitEach,
});
