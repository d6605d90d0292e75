import type { ContenderFactory } from '../lib/contender.js';
import { atMost, type Goal, type Parameter } from '../lib/suite.js';
import { bentoObjects, bentoSets, bentoTexts } from '../peers/bentocache.js';
import {
  hotshardBytes,
  hotshardInPlace,
  hotshardInPlaceAwaited,
  hotshardObjects,
  hotshardPipelined,
  hotshardRingAwaited,
  hotshardViews,
} from '../peers/hotshard.js';
import {
  lruCacheBuffers,
  lruCacheCopies,
  lruCacheObjects,
  lruCacheSets,
} from '../peers/lru-cache.js';
import { mapBuffers, mapObjects, mapSets } from '../peers/map.js';

/** One contender of a row. */
export interface RowEntry {
  readonly name: string;
  readonly create: ContenderFactory;
  /** Part of the row's operations that it runs, above 0 to 1: slow ones run fewer. */
  readonly share: number;
}

/** A contender that ours is compared with. */
export interface RowPeer extends RowEntry {
  readonly goal?: Goal;
  readonly aim?: Goal;
}

/** One question to the engine. */
export interface EngineRow {
  readonly name: string;
  /** What the operations do: the hash and the check afterwards depend on it. */
  readonly task: 'read-bytes' | 'read-objects' | 'set';
  /** `hot`: keys of stored entries, drawn at random. `new`: each key once, into an empty cache. */
  readonly keys: 'hot' | 'new';
  readonly entries: Parameter<number>;
  readonly operations: Parameter<number>;
  readonly rounds: Parameter<number>;
  readonly ours: RowEntry;
  readonly peers: readonly RowPeer[];
}

const HOT_ENTRIES: Parameter<number> = { real: 10_000, smoke: 500 };
const HOT_OPERATIONS: Parameter<number> = { real: 1_000_000, smoke: 2000 };
const HOT_ROUNDS: Parameter<number> = { real: 9, smoke: 2 };
const NEW_ENTRIES: Parameter<number> = { real: 1_000_000, smoke: 2000 };
const NEW_ROUNDS: Parameter<number> = { real: 5, smoke: 1 };
/** Room for the million new entries, so that no set has to evict. */
const NEW_MEMORY = '512mb';

const HOTSHARD = 'hotshard';
const LRU_CACHE = 'lru-cache ttl';
const MAP = 'Map';
const BENTOCACHE = 'BentoCache serialize';

const HOT = {
  keys: 'hot',
  entries: HOT_ENTRIES,
  operations: HOT_OPERATIONS,
  rounds: HOT_ROUNDS,
} as const;

const NEW = {
  keys: 'new',
  entries: NEW_ENTRIES,
  operations: NEW_ENTRIES,
  rounds: NEW_ROUNDS,
} as const;

function ours(create: ContenderFactory, share = 1): RowEntry {
  return { name: HOTSHARD, create, share };
}

const READ_ROWS: readonly EngineRow[] = [
  {
    ...HOT,
    name: 'get.view.hot',
    task: 'read-bytes',
    ours: ours(hotshardViews),
    peers: [
      {
        name: LRU_CACHE,
        create: lruCacheBuffers,
        share: 1,
        goal: atMost(1.35),
      },
      { name: MAP, create: mapBuffers, share: 1 },
      { name: BENTOCACHE, create: bentoTexts, share: 0.02 },
    ],
  },
  {
    ...HOT,
    name: 'get.bytes.hot',
    task: 'read-bytes',
    ours: ours(hotshardBytes),
    peers: [
      { name: LRU_CACHE, create: lruCacheBuffers, share: 1, goal: atMost(1.9) },
      { name: 'lru-cache ttl, copied', create: lruCacheCopies, share: 1 },
      { name: MAP, create: mapBuffers, share: 1 },
      { name: BENTOCACHE, create: bentoTexts, share: 0.02, goal: atMost(0.2) },
    ],
  },
  {
    ...HOT,
    name: 'get.value.hot',
    task: 'read-objects',
    ours: ours(hotshardObjects),
    peers: [
      { name: LRU_CACHE, create: lruCacheObjects, share: 1, goal: atMost(1), aim: atMost(0.9) },
      { name: MAP, create: mapObjects, share: 1 },
      { name: BENTOCACHE, create: bentoObjects, share: 0.02 },
    ],
  },
];

const HOT_SET_PEERS: readonly RowPeer[] = [
  { name: MAP, create: mapSets, share: 0.5 },
  { name: BENTOCACHE, create: bentoSets, share: 0.02 },
];

const RING_ROWS: readonly EngineRow[] = [
  {
    ...HOT,
    name: 'set.pipelined',
    task: 'set',
    ours: ours(hotshardPipelined('64mb'), 0.5),
    peers: [
      { name: LRU_CACHE, create: lruCacheSets, share: 0.5, goal: atMost(2.5), aim: atMost(2) },
      ...HOT_SET_PEERS,
    ],
  },
  {
    ...NEW,
    name: 'set.pipelined.new',
    task: 'set',
    ours: ours(hotshardPipelined(NEW_MEMORY)),
    peers: [
      { name: LRU_CACHE, create: lruCacheSets, share: 1, goal: atMost(1) },
      { name: MAP, create: mapSets, share: 1 },
    ],
  },
  {
    ...HOT,
    name: 'set.awaited',
    task: 'set',
    ours: ours(hotshardRingAwaited, 0.005),
    peers: [{ name: LRU_CACHE, create: lruCacheSets, share: 0.5 }, ...HOT_SET_PEERS],
  },
];

const IN_PLACE_ROWS: readonly EngineRow[] = [
  {
    ...HOT,
    name: 'set.inplace',
    task: 'set',
    ours: ours(hotshardInPlace('64mb'), 0.5),
    peers: [
      { name: LRU_CACHE, create: lruCacheSets, share: 0.5, goal: atMost(0.8) },
      ...HOT_SET_PEERS,
    ],
  },
  {
    ...NEW,
    name: 'set.inplace.new',
    task: 'set',
    ours: ours(hotshardInPlace(NEW_MEMORY)),
    peers: [
      { name: LRU_CACHE, create: lruCacheSets, share: 1, goal: atMost(0.4) },
      { name: MAP, create: mapSets, share: 1 },
    ],
  },
  {
    ...HOT,
    name: 'set.inplace.awaited',
    task: 'set',
    ours: ours(hotshardInPlaceAwaited, 0.5),
    peers: [{ name: LRU_CACHE, create: lruCacheSets, share: 0.5 }, ...HOT_SET_PEERS],
  },
];

/** Every row of the `engine` suite. */
export const ENGINE_ROWS: readonly EngineRow[] = [...READ_ROWS, ...RING_ROWS, ...IN_PLACE_ROWS];

/** A row by its name. Throws a RangeError when there is none. */
export function engineRow(name: string): EngineRow {
  const found = ENGINE_ROWS.find((row) => row.name === name);
  if (found === undefined) {
    throw new RangeError(`no engine row "${name}"`);
  }
  return found;
}
