/** Programs that are killed: while they write their file, and after they have loaded it. */
import { spawn } from 'node:child_process';
import { copyFileSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEngine } from '../../src/index.js';
import { verifyEngine } from '../support/held-shards.js';
import { createPrng, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';

const PROGRAM = fileURLToPath(
  new URL('../support/fixtures/persistent-program.mjs', import.meta.url),
);
const ENTRIES = 2_000;

let folder: TemporaryFolder;
let path: string;

beforeEach(() => {
  folder = temporaryFolder();
  path = folder.path('entries');
});

afterEach(() => folder[Symbol.dispose]());

/** Runs the program until `isOver` says so of its lines, kills it a moment later; its lines. */
async function runUntil(
  isOver: (lines: readonly string[]) => boolean,
  workers: number,
  delayMs: number,
): Promise<string[]> {
  const child = spawn(process.execPath, [PROGRAM, path, String(workers)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (isOver(lines)) setTimeout(() => child.kill('SIGKILL'), delayMs);
  }
  await ended;
  expect(child.signalCode).toBe('SIGKILL');
  return lines;
}

/** What another program finds: nothing wrong; the state it was loaded in and the entries. */
async function inspect(): Promise<{ state: string | undefined; found: number }> {
  // A copy, so that this look changes nothing for the next program.
  copyFileSync(path, folder.path('copy'));
  const persistence = { kind: 'file', path: folder.path('copy') } as const;
  await using engine = await createEngine({ memory: '16mb', workers: 0, persistence });
  expect(verifyEngine(engine)).toEqual([]);
  let found = 0;
  for (let index = 0; index < ENTRIES; index++) {
    const { state, value } = engine.getWithMeta<Uint8Array>(`key ${index}`);
    if (state === 'miss') continue;
    found += 1;
    const expected = Buffer.alloc((value as Uint8Array).length, `value ${index} `);
    expect(Buffer.compare(value as Uint8Array, expected)).toBe(0);
  }
  expect(engine.loaded).toMatchObject({ damagedPages: 0, dropped: 0 });
  return { state: engine.loaded?.state, found };
}

const isCheckpoint = (line: string): boolean => line.startsWith('checkpoint');

describe.each([0, 1])('with %d workers', (workers) => {
  test('killed while a file is written: the one before it is whole', async () => {
    const random = createPrng(seedFromEnvironment());
    for (let round = 0; round < scaled(4); round++) {
      const wanted = 1 + random.nextBelow(3);
      const enough = (lines: readonly string[]): boolean =>
        lines.filter(isCheckpoint).length >= wanted;
      const lines = await runUntil(enough, workers, random.nextBelow(60));
      // Every key was there at every moment of every checkpoint.
      for (const line of lines.filter(isCheckpoint)) expect(line).toBe(`checkpoint ${ENTRIES}`);
      expect(await inspect()).toEqual({ state: 'stale', found: ENTRIES });
    }
  }, 60_000);
});

test('a file of a clean close is fresh once: killed after loading it, the next finds it stale', async () => {
  const persistence = { kind: 'file', path } as const;
  const engine = await createEngine({ memory: '16mb', workers: 0, persistence });
  await engine.set('key 0', Buffer.alloc(100, 'value 0 '));
  await engine.close();
  const first = await runUntil((lines) => lines.length > 0, 0, 0);
  expect(first[0]).toBe('loaded fresh 1');
  expect(await inspect()).toMatchObject({ state: 'stale' });
});

test('drafts of killed programs are removed by the next one', async () => {
  await runUntil((lines) => lines.some((line) => line === 'filled'), 0, 3);
  const engine = await createEngine({
    memory: '16mb',
    workers: 0,
    persistence: { kind: 'file', path },
  });
  await engine.close();
  expect(readdirSync(folder.path(''))).toEqual(['entries']);
});
