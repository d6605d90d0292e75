import {
  type Contender,
  type ContenderFactory,
  type ContenderInput,
  unexpectedMiss,
} from '../lib/contender.js';
import { type BenchObject, benchObject, type Workload } from '../lib/workload.js';

// A Map has no bound, no expiry and no eviction: the floor, not a rival.

function readBuffers(map: Map<string, Buffer>, workload: Workload, order: Uint32Array): number {
  const { keys } = workload;
  let hash = 0;
  for (let turn = 0; turn < order.length; turn++) {
    const key = keys[order[turn] as number] as string;
    const value = map.get(key);
    if (value === undefined) {
      throw unexpectedMiss('Map', key);
    }
    hash = (Math.imul(hash, 31) + (value[0] as number)) | 0;
  }
  return hash;
}

function readObjects(
  map: Map<string, BenchObject>,
  workload: Workload,
  order: Uint32Array,
): number {
  const { keys } = workload;
  let hash = 0;
  for (let turn = 0; turn < order.length; turn++) {
    const key = keys[order[turn] as number] as string;
    const value = map.get(key);
    if (value === undefined) {
      throw unexpectedMiss('Map', key);
    }
    hash = (Math.imul(hash, 31) + value.score) | 0;
  }
  return hash;
}

function setBuffers(map: Map<string, Buffer>, workload: Workload, order: Uint32Array): number {
  const { keys, values, valueMask } = workload;
  for (let turn = 0; turn < order.length; turn++) {
    const value = values[turn & valueMask] as Buffer;
    map.set(keys[order[turn] as number] as string, Buffer.from(value));
  }
  return order.length;
}

type BufferLoop = (map: Map<string, Buffer>, workload: Workload, order: Uint32Array) => number;

function createBufferContender(input: ContenderInput, loop: BufferLoop): Contender {
  const { name, workload } = input;
  let map = new Map<string, Buffer>();
  return {
    name,
    open() {
      map = new Map();
      if (input.filled) {
        setBuffers(map, workload, Uint32Array.from(workload.keys.keys()));
      }
    },
    run: (order) => loop(map, workload, order),
    firstByteOf: (index) => map.get(workload.keys[index] as string)?.[0],
    close() {
      map = new Map();
    },
  };
}

/** `get` of the stored Buffer itself. */
export const mapBuffers: ContenderFactory = (input) => createBufferContender(input, readBuffers);

/** `set` of a copied Buffer. */
export const mapSets: ContenderFactory = (input) => createBufferContender(input, setBuffers);

/** `get` of the stored object itself. */
export const mapObjects: ContenderFactory = ({ name, workload }) => {
  const map = new Map<string, BenchObject>();
  return {
    name,
    open() {
      for (const [index, key] of workload.keys.entries()) {
        map.set(key, benchObject(index));
      }
    },
    run: (order) => readObjects(map, workload, order),
    close: () => map.clear(),
  };
};
