/** Files that are not what was written: nothing wrong is ever served, and nothing throws. */
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, type Mock, test, vi } from 'vitest';
import { createEngine, type Engine, type PersistenceEvent } from '../../src/index.js';
import { PREAMBLE_BYTES } from '../../src/persistence/checkpoint-format.js';
import { verifyEngine } from '../support/held-shards.js';
import { createPrng, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';
import { listen } from './persistence-events.js';

const ENTRIES = 400;
const LARGE_BYTES = 40_000;

/** The value of a key says which key it is of. */
function bytesOf(index: number): Buffer {
  const bytes = index % 50 === 0 ? LARGE_BYTES + index : 20 + ((index * 13) % 600);
  return Buffer.alloc(bytes, `value ${index} `);
}

async function writeFile(path: string): Promise<void> {
  const engine = await open(path);
  for (let index = 0; index < ENTRIES; index++) await engine.set(`key ${index}`, bytesOf(index));
  await engine.close();
}

function open(path: string, stale: 'load' | 'drop' = 'load'): Promise<Engine> {
  return createEngine({ memory: '8mb', workers: 0, persistence: { kind: 'file', path, stale } });
}

/** Everything that is served is right; the number of entries. */
function countRight(engine: Engine): number {
  let found = 0;
  for (let index = 0; index < ENTRIES; index++) {
    const { state, value } = engine.getWithMeta<Uint8Array>(`key ${index}`);
    if (state === 'miss') continue;
    found += 1;
    if (Buffer.compare(value as Uint8Array, bytesOf(index)) !== 0) {
      throw new Error(`key ${index} has a wrong value`);
    }
  }
  return found;
}

let folder: TemporaryFolder;
let path: string;
let events: PersistenceEvent[];
let stopListening: () => void;
let emitWarning: Mock<typeof process.emitWarning>;

beforeEach(() => {
  folder = temporaryFolder();
  path = folder.path('entries');
  ({ events, stop: stopListening } = listen());
  emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
});

afterEach(() => {
  stopListening();
  emitWarning.mockRestore();
  folder[Symbol.dispose]();
});

/** Opens the file as it is now and closes the engine without a new file in its place. */
async function reopen(file: Buffer): Promise<{ found: number; kinds: string[] }> {
  events.length = 0;
  writeFileSync(path, file, { mode: 0o600 });
  await using engine = await open(path);
  const found = countRight(engine);
  expect(verifyEngine(engine)).toEqual([]);
  expect(engine.loaded?.entries ?? 0).toBe(found);
  await engine.set('usable', 1);
  expect(engine.get('usable')).toBe(1);
  return { found, kinds: events.map(({ kind }) => kind) };
}

describe('bytes that changed', () => {
  test('at any place of preamble and table: the file is ignored', async () => {
    await writeFile(path);
    const file = readFileSync(path);
    const tableOffset = Number(file.readBigUInt64LE(24));
    const random = createPrng(seedFromEnvironment());
    const places = Array.from({ length: 64 }, (_, index) => index);
    for (let index = 0; index < scaled(30); index++) {
      places.push(tableOffset + random.nextBelow(file.length - tableOffset));
    }
    for (const place of places) {
      const damaged = Buffer.from(file);
      damaged.writeUInt8(damaged.readUInt8(place) ^ (1 << random.nextBelow(8)), place);
      const { found, kinds } = await reopen(damaged);
      expect([place, found, kinds[0]]).toEqual([place, 0, 'ignored']);
    }
  }, 60_000);

  test('anywhere in the pages: that page is missing, all others are there', async () => {
    await writeFile(path);
    const file = readFileSync(path);
    const tableOffset = Number(file.readBigUInt64LE(24));
    const random = createPrng(seedFromEnvironment());
    for (let round = 0; round < scaled(40); round++) {
      const damaged = Buffer.from(file);
      const place = PREAMBLE_BYTES + random.nextBelow(tableOffset - PREAMBLE_BYTES);
      damaged.writeUInt8(damaged.readUInt8(place) ^ (1 << random.nextBelow(8)), place);
      const { found, kinds } = await reopen(damaged);
      expect(found).toBeLessThan(ENTRIES);
      expect(found).toBeGreaterThan(0);
      expect(kinds.slice(0, 2)).toEqual(['loaded', 'damaged']);
    }
  }, 60_000);

  test('pages that changed places are found out', async () => {
    await writeFile(path);
    const file = readFileSync(path);
    const pageBytes = 16_384;
    const [first, second] = [PREAMBLE_BYTES, PREAMBLE_BYTES + pageBytes];
    const swapped = Buffer.from(file);
    file.copy(swapped, first, second, second + pageBytes);
    file.copy(swapped, second, first, first + pageBytes);
    const { kinds } = await reopen(swapped);
    expect(kinds).toContain('damaged');
  });

  test('random garbage in place of any run of bytes', async () => {
    await writeFile(path);
    const file = readFileSync(path);
    const random = createPrng(seedFromEnvironment());
    for (let round = 0; round < scaled(30); round++) {
      const damaged = Buffer.from(file);
      const start = random.nextBelow(file.length);
      const end = Math.min(file.length, start + 1 + random.nextBelow(50_000));
      for (let at = start; at < end; at++) damaged[at] = random.nextBelow(256);
      await reopen(damaged);
    }
  }, 60_000);
});

test('a file that is cut short at any length is ignored', async () => {
  await writeFile(path);
  const file = readFileSync(path);
  const random = createPrng(seedFromEnvironment());
  const lengths = [0, 1, 8, 63, 64, 4_095, 4_096, 4_097, file.length - 1];
  for (let round = 0; round < scaled(20); round++) lengths.push(random.nextBelow(file.length));
  for (const length of lengths) {
    const { found, kinds } = await reopen(file.subarray(0, length));
    expect([length, found, kinds[0]]).toEqual([length, 0, 'ignored']);
  }
}, 60_000);

test.each([
  ['text', Buffer.from('{"not": "ours"}')],
  ['zeros', Buffer.alloc(100_000)],
  ['another program', Buffer.from('SQLite format 3\0'.padEnd(10_000, 'x'))],
])('a foreign file is ignored: %s', async (_, file) => {
  const { found, kinds } = await reopen(file);
  expect([found, kinds[0]]).toEqual([0, 'ignored']);
});

test('the file of another version of layout or format is ignored, and said so', async () => {
  await writeFile(path);
  const { default: xxhash } = await import('xxhash-wasm');
  const { h64Raw } = await xxhash();
  for (const offset of [8, 12]) {
    const file = readFileSync(path);
    file.writeUInt32LE(99, offset);
    file.writeBigUInt64LE(h64Raw(file.subarray(0, 56), 0n), 56);
    const copy = Buffer.from(file);
    const { found } = await reopen(copy);
    expect(found).toBe(0);
    expect(events[0]).toMatchObject({ kind: 'ignored', reason: expect.stringMatching(/99/) });
    await writeFile(folder.path('other'));
    writeFileSync(path, readFileSync(folder.path('other')), { mode: 0o600 });
  }
});

test('a damaged file is warned of once, with its path', async () => {
  await writeFile(path);
  truncateSync(path, statSync(path).size - 10);
  await using engine = await open(path);
  expect(engine.loaded).toBeUndefined();
  expect(emitWarning.mock.calls).toEqual([
    [expect.stringContaining(path), { type: 'HotshardWarning', code: 'HOTSHARD_PERSISTENCE' }],
  ]);
});

describe('a file that is not of a clean close', () => {
  async function leaveCheckpoint(): Promise<void> {
    const engine = await open(path);
    for (let index = 0; index < ENTRIES; index++) await engine.set(`key ${index}`, bytesOf(index));
    await engine.checkpoint();
    const file = readFileSync(path);
    await engine.close();
    writeFileSync(path, file, { mode: 0o600 });
  }

  test('is loaded as stale', async () => {
    await leaveCheckpoint();
    await using engine = await open(path);
    expect(engine.loaded).toMatchObject({ state: 'stale', entries: ENTRIES, damagedPages: 0 });
  });

  test('is not loaded where the option says so', async () => {
    await leaveCheckpoint();
    await using engine = await open(path, 'drop');
    expect(engine.loaded).toBeUndefined();
    expect(countRight(engine)).toBe(0);
    expect(events.at(-1)).toMatchObject({ kind: 'ignored' });
  });

  test('so is one that an engine took into use and that was not closed', async () => {
    await writeFile(path);
    const first = await open(path);
    expect(first.loaded?.state).toBe('fresh');
    const inUse = readFileSync(path);
    await first.close();
    writeFileSync(path, inUse, { mode: 0o600 });
    await using second = await open(path);
    expect(second.loaded).toMatchObject({ state: 'stale', entries: ENTRIES });
  });
});
