import { LRUCache } from 'lru-cache';
import {
  type Contender,
  type ContenderFactory,
  type ContenderInput,
  unexpectedMiss,
} from '../lib/contender.js';
import { type BenchObject, benchObject, VALUE_BYTES, type Workload } from '../lib/workload.js';

const TTL_MS = 3_600_000;

type BufferCache = LRUCache<string, Buffer>;
type ObjectCache = LRUCache<string, BenchObject>;

/** A cache for `max` entries with a TTL of an hour; all else is the package's default. */
function createCache<Value extends object>(max: number): LRUCache<string, Value> {
  return new LRUCache<string, Value>({ max, ttl: TTL_MS });
}

function readBuffers(cache: BufferCache, workload: Workload, order: Uint32Array): number {
  const { keys } = workload;
  let hash = 0;
  for (let turn = 0; turn < order.length; turn++) {
    const key = keys[order[turn] as number] as string;
    const value = cache.get(key);
    if (value === undefined) {
      throw unexpectedMiss('lru-cache', key);
    }
    hash = (Math.imul(hash, 31) + (value[0] as number)) | 0;
  }
  return hash;
}

function copyBuffers(cache: BufferCache, workload: Workload, order: Uint32Array): number {
  const { keys } = workload;
  const target = new Uint8Array(VALUE_BYTES);
  let hash = 0;
  for (let turn = 0; turn < order.length; turn++) {
    const key = keys[order[turn] as number] as string;
    const value = cache.get(key);
    if (value === undefined) {
      throw unexpectedMiss('lru-cache', key);
    }
    target.set(value);
    hash = (Math.imul(hash, 31) + (target[0] as number)) | 0;
  }
  return hash;
}

function readObjects(cache: ObjectCache, workload: Workload, order: Uint32Array): number {
  const { keys } = workload;
  let hash = 0;
  for (let turn = 0; turn < order.length; turn++) {
    const key = keys[order[turn] as number] as string;
    const value = cache.get(key);
    if (value === undefined) {
      throw unexpectedMiss('lru-cache', key);
    }
    hash = (Math.imul(hash, 31) + value.score) | 0;
  }
  return hash;
}

function setBuffers(cache: BufferCache, workload: Workload, order: Uint32Array): number {
  const { keys, values, valueMask } = workload;
  for (let turn = 0; turn < order.length; turn++) {
    const value = values[turn & valueMask] as Buffer;
    cache.set(keys[order[turn] as number] as string, Buffer.from(value));
  }
  return order.length;
}

type BufferLoop = (cache: BufferCache, workload: Workload, order: Uint32Array) => number;

function createBufferContender(input: ContenderInput, loop: BufferLoop): Contender {
  const { name, workload } = input;
  let cache: BufferCache | undefined;
  const opened = (): BufferCache => {
    if (cache === undefined) {
      throw new Error(`${name} is not open`);
    }
    return cache;
  };
  return {
    name,
    open() {
      cache = createCache<Buffer>(workload.keys.length);
      if (input.filled) {
        setBuffers(cache, workload, Uint32Array.from(workload.keys.keys()));
      }
    },
    run: (order) => loop(opened(), workload, order),
    firstByteOf: (index) => opened().get(workload.keys[index] as string)?.[0],
    close() {
      cache = undefined;
    },
  };
}

/** `get` of the stored Buffer itself, and one byte of it. */
export const lruCacheBuffers: ContenderFactory = (input) =>
  createBufferContender(input, readBuffers);

/** `get`, then a copy into the caller's buffer. */
export const lruCacheCopies: ContenderFactory = (input) =>
  createBufferContender(input, copyBuffers);

/** `set` of a copied Buffer. */
export const lruCacheSets: ContenderFactory = (input) => createBufferContender(input, setBuffers);

/** `get` of the stored object itself, and one member of it. */
export const lruCacheObjects: ContenderFactory = ({ name, workload }) => {
  const cache = createCache<BenchObject>(workload.keys.length);
  return {
    name,
    open() {
      for (const [index, key] of workload.keys.entries()) {
        cache.set(key, benchObject(index));
      }
    },
    run: (order) => readObjects(cache, workload, order),
    close: () => cache.clear(),
  };
};
