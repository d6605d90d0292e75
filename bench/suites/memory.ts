import type { MemoryOutcome, MemoryParameter } from '../children/memory.js';
import { type ChildScript, runChild } from '../lib/child.js';
import { measureMemcached } from '../lib/memcached.js';
import { findProgram } from '../lib/process.js';
import { createRandom, seedFor } from '../lib/random.js';
import { interleave, samplesOf } from '../lib/rounds.js';
import {
  atMost,
  type BenchContext,
  type Comparison,
  compare,
  type Parameter,
  pick,
  roundsOf,
  type Skip,
  type Suite,
  type SuiteOutcome,
} from '../lib/suite.js';
import { fold } from '../lib/workload.js';

const ENTRIES: Parameter<number> = { real: 1_000_000, smoke: 5000 };
const ROUNDS: Parameter<number> = { real: 5, smoke: 1 };
const NAME = 'rss.perEntry';
const MEMCACHED = 'memcached';

/** A process per measurement: it starts with an empty heap. */
const CHILD: ChildScript = {
  script: new URL('../children/memory.js', import.meta.url),
  nodeFlags: ['--expose-gc', '--max-old-space-size=4096'],
};

interface MemoryContender {
  readonly name: string;
  /** Bytes of resident memory that the fill added, and the hash of what was stored. */
  readonly measure: (entryCount: number, seed: number) => Promise<MemoryOutcome>;
}

function inChild(name: string, cache: MemoryParameter['cache']): MemoryContender {
  return {
    name,
    measure: (entryCount, seed) => runChild<MemoryOutcome>(CHILD, { cache, entryCount, seed }),
  };
}

const OURS = inChild('hotshard', 'hotshard');

const PEERS: readonly { readonly contender: MemoryContender; readonly row: Comparison }[] = [
  {
    contender: inChild('lru-cache ttl', 'lru-cache-buffers'),
    row: {
      name: NAME,
      unit: 'bytes',
      peer: 'lru-cache ttl',
      goal: atMost(0.6),
      aim: atMost(0.5),
    },
  },
  {
    contender: inChild('lru-cache ttl, strings', 'lru-cache-strings'),
    row: { name: NAME, unit: 'bytes', peer: 'lru-cache ttl, strings' },
  },
  {
    contender: { name: MEMCACHED, measure: measureMemcached },
    row: { name: NAME, unit: 'bytes', peer: MEMCACHED, goal: atMost(1.1), aim: atMost(1.1) },
  },
];

function missingPeer(peer: string): Skip | undefined {
  if (peer !== MEMCACHED) {
    return undefined;
  }
  if (process.platform !== 'linux') {
    return { name: NAME, peer, reason: 'needs /proc to read its resident memory' };
  }
  return findProgram(MEMCACHED) === undefined
    ? { name: NAME, peer, reason: 'not on the PATH' }
    : undefined;
}

async function run(context: BenchContext): Promise<SuiteOutcome> {
  const entryCount = pick(context, ENTRIES);
  const random = createRandom(seedFor(context.seed, 'memory'));
  const skipped = PEERS.flatMap(({ row }) => missingPeer(row.peer) ?? []);
  const peers = PEERS.filter(({ row }) => !skipped.some(({ peer }) => peer === row.peer));
  const contenders = [OURS, ...peers.map(({ contender }) => contender)];
  const rounds = roundsOf(context, ROUNDS);
  let hash = 0;
  const samples = await interleave(contenders, rounds, random, async (contender, round) => {
    const outcome = await contender.measure(entryCount, seedFor(context.seed, `memory ${round}`));
    const bytesPerEntry = outcome.addedBytes / entryCount;
    context.log(`${NAME} round ${round + 1}: ${contender.name}: ${bytesPerEntry.toFixed(1)} bytes`);
    hash = fold(hash, outcome.hash);
    return bytesPerEntry;
  });
  const ours = samplesOf(samples, OURS.name);
  return {
    results: peers.map(({ row }) => compare(row, ours, samplesOf(samples, row.peer))),
    skipped,
    hash,
  };
}

/** What an entry costs in resident memory. */
export const memorySuite: Suite = {
  name: 'memory',
  summary: 'resident bytes per entry at one million entries, against lru-cache and memcached',
  resultNames: [NAME],
  run,
};
