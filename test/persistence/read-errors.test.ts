/** A medium that fails while a file is loaded: what it held is missing, the rest is there. */
import { open as openFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createEngine, type Engine } from '../../src/index.js';
import { PREAMBLE_BYTES } from '../../src/persistence/checkpoint-format.js';
import { verifyEngine } from '../support/held-shards.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const ENTRIES = 2_000;

type Read = (...parts: readonly unknown[]) => Promise<unknown>;

let folder: TemporaryFolder;

beforeEach(() => {
  folder = temporaryFolder();
  vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
});

afterEach(() => {
  vi.restoreAllMocks();
  folder[Symbol.dispose]();
});

function open(path: string): Promise<Engine> {
  return createEngine({ memory: '8mb', workers: 0, persistence: { kind: 'file', path } });
}

/** Reads of files fail from a position on, but for the table behind the pages. */
async function failReadsFrom(path: string, from: number, until: number): Promise<void> {
  const handle = await openFile(path);
  const methods = Object.getPrototypeOf(handle) as { read: Read };
  await handle.close();
  const { read } = methods;
  vi.spyOn(methods, 'read').mockImplementation(function (this: unknown, ...parts) {
    const position = parts[3] as number;
    if (position < from || position >= until) return read.apply(this, parts);
    return Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' }));
  });
}

test('pages that cannot be read are missing, and the memory is sound', async () => {
  const path = folder.path('entries');
  const first = await open(path);
  for (let index = 0; index < ENTRIES; index++) await first.set(`key ${index}`, 'x'.repeat(200));
  const { pageBytes } = (first as unknown as { session: { pageBytes: number } }).session;
  await first.close();
  const second = PREAMBLE_BYTES + pageBytes;
  await failReadsFrom(path, second, second + pageBytes);
  await using engine = await open(path);
  expect(engine.loaded).toMatchObject({ damagedPages: 1 });
  expect(engine.loaded?.entries).toBeGreaterThan(0);
  expect(verifyEngine(engine)).toEqual([]);
  for (let index = 0; index < 10 * ENTRIES; index++)
    await engine.set(`new ${index}`, 'y'.repeat(90));
  expect(verifyEngine(engine)).toEqual([]);
});
