import {
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine, type Engine } from '../../src/index.js';
import { createRandom, seedFor } from '../lib/random.js';
import {
  type BenchContext,
  compare,
  type Parameter,
  pick,
  roundsOf,
  type Suite,
  type SuiteOutcome,
} from '../lib/suite.js';
import { fold } from '../lib/workload.js';

/** Bytes of keys and values; HOTSHARD_BENCH_RESTART_MIB sets another number of MiB. */
const ENTRY_MIB: Parameter<number> = { real: 1_024, smoke: 1 };
const ROUNDS: Parameter<number> = { real: 1, smoke: 1 };
const MIB = 1_024 ** 2;
const VALUE_BYTES_MIN = 50;
const VALUE_BYTES_MAX = 450;
const ITEM_OVERHEAD_SHARE = 1.6;
const MEMORY_BYTES_MIN = 16 * MIB;
const MEMORY_BYTES_MAX = 4_095 * MIB;
const CHUNK_BYTES = 4 * MIB;
const MS_PER_S = 1_000;
/** What a file costs anybody: the same bytes written and synced, or read, in large pieces. */
const PEER = 'plain file';

function entryBytes(context: BenchContext): number {
  const given = Number(process.env['HOTSHARD_BENCH_RESTART_MIB'] ?? '');
  return (given > 0 && !context.smoke ? given : pick(context, ENTRY_MIB)) * MIB;
}

/** Values whose length and bytes follow from their number. */
class Values {
  readonly #bytes: Buffer;

  constructor(seed: number) {
    const random = createRandom(seed);
    this.#bytes = Buffer.alloc(VALUE_BYTES_MAX * 2);
    for (let at = 0; at < this.#bytes.length; at++) this.#bytes[at] = random.below(256);
  }

  of(index: number): Buffer {
    const bytes = VALUE_BYTES_MIN + ((index * 7_919) % (VALUE_BYTES_MAX - VALUE_BYTES_MIN));
    const start = (index * 31) % VALUE_BYTES_MAX;
    return this.#bytes.subarray(start, start + bytes);
  }
}

function keyOf(index: number): string {
  return `entry:${index.toString(36).padStart(8, '0')}`;
}

/** Fills the engine with about so many bytes; the number of entries. */
async function fill(engine: Engine, values: Values, totalBytes: number): Promise<number> {
  let left = totalBytes;
  let index = 0;
  for (; left > 0; index++) {
    const key = keyOf(index);
    const value = values.of(index);
    left -= key.length + value.length;
    const stored = engine.set(key, value);
    if (index % 1_000 === 0) await stored;
  }
  return index;
}

/** Every entry must be there, byte for byte; folds what was read. */
function checkAll(engine: Engine, values: Values, entryCount: number): number {
  let hash = 0;
  for (let index = 0; index < entryCount; index++) {
    const stored = engine.getView(keyOf(index))?.bytes;
    if (stored === undefined || Buffer.compare(stored, values.of(index)) !== 0) {
      throw new Error(`entry ${index} of ${entryCount} did not come back`);
    }
    hash = fold(hash, stored.length);
  }
  return hash;
}

function timeSeconds(work: () => void): number {
  const startMs = performance.now();
  work();
  return (performance.now() - startMs) / MS_PER_S;
}

function writePlain(path: string, totalBytes: number): void {
  const chunk = Buffer.alloc(CHUNK_BYTES, 'x');
  const file = openSync(path, 'w');
  for (let at = 0; at < totalBytes; at += CHUNK_BYTES) {
    writeSync(file, chunk, 0, Math.min(CHUNK_BYTES, totalBytes - at));
  }
  fsyncSync(file);
  closeSync(file);
}

function readPlain(path: string): void {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const file = openSync(path, 'r');
  while (readSync(file, chunk) > 0);
  closeSync(file);
}

interface Round {
  readonly writeSeconds: number;
  readonly loadSeconds: number;
  readonly plainWriteSeconds: number;
  readonly plainReadSeconds: number;
  readonly hash: number;
}

async function measure(context: BenchContext, folder: string, round: number): Promise<Round> {
  const totalBytes = entryBytes(context);
  const wanted = Math.max(MEMORY_BYTES_MIN, totalBytes * ITEM_OVERHEAD_SHARE);
  const path = join(folder, 'entries');
  const options = {
    memory: Math.floor(Math.min(MEMORY_BYTES_MAX, wanted)),
    workers: 1,
    persistence: { kind: 'file', path },
  } as const;
  const values = new Values(seedFor(context.seed, `restart ${round}`));
  const first = await createEngine(options);
  const entryCount = await fill(first, values, totalBytes);
  const { evictions } = first.stats();
  if (evictions > 0) throw new Error(`${evictions} entries did not fit`);
  const { durationMs } = await first.checkpoint();
  await first.close();
  const fileBytes = statSync(path).size;
  const second = await createEngine(options);
  const { loaded } = second;
  if (loaded?.state !== 'fresh') throw new Error('the file was not loaded as fresh');
  const hash = checkAll(second, values, entryCount);
  const writeSeconds = durationMs / MS_PER_S;
  const loadSeconds = loaded.durationMs / MS_PER_S;
  context.log(
    `restart round ${round + 1}: ${entryCount} entries of ${(totalBytes / MIB).toFixed(0)} MiB, ` +
      `a file of ${(fileBytes / MIB).toFixed(0)} MiB: written in ${writeSeconds.toFixed(2)} s, ` +
      `loaded in ${loadSeconds.toFixed(2)} s; every entry is there`,
  );
  await second.close();
  rmSync(path);
  const plain = join(folder, 'plain');
  const plainWriteSeconds = timeSeconds(() => writePlain(plain, fileBytes));
  const plainReadSeconds = timeSeconds(() => readPlain(plain));
  return { writeSeconds, loadSeconds, plainWriteSeconds, plainReadSeconds, hash };
}

async function run(context: BenchContext): Promise<SuiteOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'hotshard-restart-'));
  const rounds: Round[] = [];
  try {
    for (let round = 0; round < roundsOf(context, ROUNDS); round++) {
      rounds.push(await measure(context, folder, round));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const row = { unit: 's', peer: PEER };
  return {
    results: [
      compare(
        { ...row, name: 'restart.write' },
        rounds.map(({ writeSeconds }) => writeSeconds),
        rounds.map(({ plainWriteSeconds }) => plainWriteSeconds),
      ),
      compare(
        { ...row, name: 'restart.load' },
        rounds.map(({ loadSeconds }) => loadSeconds),
        rounds.map(({ plainReadSeconds }) => plainReadSeconds),
      ),
    ],
    skipped: [],
    hash: rounds.reduce((hash, round) => fold(hash, round.hash), 0),
  };
}

/** What a warm restart takes. */
export const restartSuite: Suite = {
  name: 'restart',
  summary: 'seconds to write 1 GiB of entries to a file and to load them, each entry checked',
  resultNames: ['restart.write', 'restart.load'],
  run,
};
