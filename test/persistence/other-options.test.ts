/** A file that is loaded by an engine with other options than those of the engine that wrote it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine, type EngineOptions } from '../../src/index.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const ENTRIES = 20_000;
const LARGER_ENTRIES = 6_000;
const KINDS = ['lru', 'lfu', 's3fifo'] as const;
const CHANGES = KINDS.flatMap((before) =>
  KINDS.filter((after) => after !== before).map((after) => [before, after] as const),
);

let folder: TemporaryFolder;
let path: string;

beforeEach(() => {
  folder = temporaryFolder();
  path = folder.path('entries');
});

afterEach(() => {
  folder[Symbol.dispose]();
});

function open(options: EngineOptions = {}): Promise<Engine> {
  const persistence = { kind: 'file', path } as const;
  return createEngine({ memory: '8mb', workers: 0, persistence, ...options });
}

async function writeEntries(count: number, options: EngineOptions = {}): Promise<void> {
  await using engine = await open(options);
  for (let index = 0; index < count; index++) {
    await engine.set(`key-${index}`, 'x'.repeat(60 + (index % 7) * 40));
    if (index % 3 === 0) engine.has(`key-${index % 500}`);
    engine.get(`key-${index % 50}`);
  }
}

describe.each(CHANGES)('a file of an engine with %s, loaded with %s', (before, after) => {
  test('serves, and makes room by the new policy', async () => {
    await writeEntries(ENTRIES, { eviction: { kind: before } });
    await using engine = await open({ eviction: { kind: after } });
    expect(engine.loaded).toMatchObject({ state: 'fresh', entries: ENTRIES, dropped: 0 });
    // Larger values take the pages of the loaded ones, which move or leave.
    for (let index = 0; index < LARGER_ENTRIES; index++) {
      const value = String(index).padEnd(900 + (index % 5) * 700, 'y');
      expect(await engine.set(`larger-${index}`, value)).toBe(true);
      engine.get(`key-${(index * 7) % ENTRIES}`);
    }
    expect(engine.get(`larger-${LARGER_ENTRIES - 1}`)).toBeDefined();
  });
});

test('no more entries are loaded than maxEntries allows', async () => {
  await writeEntries(5_000);
  await using engine = await open({ maxEntries: 1_000 });
  expect(engine.loaded).toMatchObject({ entries: 1_000, dropped: 4_000 });
  expect(engine.stats().shards.reduce((sum, { items }) => sum + items, 0)).toBe(1_000);
});
