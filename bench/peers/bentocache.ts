import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import {
  type Contender,
  type ContenderFactory,
  type ContenderInput,
  unexpectedMiss,
} from '../lib/contender.js';
import { type BenchObject, benchObject, type Workload } from '../lib/workload.js';

/** The part of BentoCache that takes part: its first level, which copies by serializing. */
interface MemoryLevel {
  get<Value>(options: { key: string }): Promise<Value>;
  set(options: { key: string; value: unknown }): Promise<unknown>;
  disconnect(): Promise<void>;
}

const TTL_MS = 3_600_000;

function createCache(maxItems: number): MemoryLevel {
  return new BentoCache({
    default: 'memory',
    // A number: text would be parsed at every call.
    ttl: TTL_MS,
    stores: {
      memory: bentostore().useL1Layer(memoryDriver({ maxItems, serialize: true })),
    },
  });
}

/** Values are strings here: JSON of a Buffer would be several times dearer. */
async function readTexts(
  cache: MemoryLevel,
  workload: Workload,
  order: Uint32Array,
): Promise<number> {
  const { keys } = workload;
  let hash = 0;
  for (let turn = 0; turn < order.length; turn++) {
    const key = keys[order[turn] as number] as string;
    const value = await cache.get<string | undefined>({ key });
    if (value === undefined) {
      throw unexpectedMiss('BentoCache', key);
    }
    hash = (Math.imul(hash, 31) + value.charCodeAt(0)) | 0;
  }
  return hash;
}

async function readObjects(
  cache: MemoryLevel,
  workload: Workload,
  order: Uint32Array,
): Promise<number> {
  const { keys } = workload;
  let hash = 0;
  for (let turn = 0; turn < order.length; turn++) {
    const key = keys[order[turn] as number] as string;
    const value = await cache.get<BenchObject | undefined>({ key });
    if (value === undefined) {
      throw unexpectedMiss('BentoCache', key);
    }
    hash = (Math.imul(hash, 31) + value.score) | 0;
  }
  return hash;
}

async function setTexts(
  cache: MemoryLevel,
  workload: Workload,
  order: Uint32Array,
): Promise<number> {
  const { keys, texts, valueMask } = workload;
  for (let turn = 0; turn < order.length; turn++) {
    const key = keys[order[turn] as number] as string;
    await cache.set({ key, value: texts[turn & valueMask] });
  }
  return order.length;
}

type Loop = (cache: MemoryLevel, workload: Workload, order: Uint32Array) => Promise<number>;

function createContender(
  { name, workload, filled }: ContenderInput,
  content: 'texts' | 'objects',
  loop: Loop,
): Contender {
  const cache = createCache(workload.keys.length);
  return {
    name,
    async open() {
      for (const [index, key] of filled ? workload.keys.entries() : []) {
        const text = workload.texts[index & workload.valueMask];
        await cache.set({ key, value: content === 'texts' ? text : benchObject(index) });
      }
    },
    run: (order) => loop(cache, workload, order),
    firstByteOf: async (index) => {
      const text = await cache.get<string | undefined>({ key: workload.keys[index] as string });
      return text?.charCodeAt(0);
    },
    close: () => cache.disconnect(),
  };
}

/** `get` of a string of 100 characters, awaited one by one. */
export const bentoTexts: ContenderFactory = (input) => createContender(input, 'texts', readTexts);

/** `get` of an object, awaited one by one. */
export const bentoObjects: ContenderFactory = (input) =>
  createContender(input, 'objects', readObjects);

/** `set` of a string of 100 characters, awaited one by one. */
export const bentoSets: ContenderFactory = (input) => createContender(input, 'texts', setTexts);
