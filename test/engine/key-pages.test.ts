/** scanKeys(): in every set-up of an engine. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { CacheError, createEngine, type Engine, type KeyPageOptions } from '../../src/index.js';
import { AttachedThread } from '../support/attached-thread.js';
import { ENGINE_KINDS, useEngine } from '../support/engine-kinds.js';

type Space = Pick<Engine, 'scanKeys'>;

async function readPages(space: Space, options: KeyPageOptions): Promise<readonly string[][]> {
  const pages: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = await space.scanKeys({ ...options, cursor });
    pages.push([...page.keys]);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return pages;
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`).sort();
}

async function setAll(space: Pick<Engine, 'set'>, keys: readonly string[]): Promise<void> {
  await Promise.all(keys.map((key) => space.set(key, 'value')));
}

describe.each(ENGINE_KINDS)('with %s', (_, options) => {
  const shared = useEngine(options);
  beforeEach(() => shared.engine.clear());

  test('pages hold every key once, and none more than the limit', async () => {
    const { engine } = shared;
    const all = [...names('a:', 700), ...names('b:', 40), 'x'.repeat(1_024)].sort();
    await setAll(engine, all);
    for (const limit of [1, 2, 7, 100, 292, 293, 741, 10_000]) {
      const pages = await readPages(engine, { limit });
      expect(Math.max(...pages.map((page) => page.length))).toBeLessThanOrEqual(limit);
      expect(pages.flat().sort()).toEqual(all);
    }
    const filtered = await readPages(engine, { filter: { prefix: 'b:' }, limit: 3 });
    expect(filtered.flat().sort()).toEqual(names('b:', 40));
    const globbed = await readPages(engine, { filter: { glob: '*:1?' }, limit: 3 });
    expect(globbed.flat().sort()).toEqual([...names('a:1', 10), ...names('b:1', 10)]);
    expect(await readPages(engine, { filter: { prefix: 'c' } })).toEqual([[]]);
  });

  test('a key that is there all the time is given, whatever comes and goes', async () => {
    const { engine } = shared;
    const step = fc.record({ limit: fc.integer({ min: 1, max: 60 }), seed: fc.nat({ max: 9 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
        await engine.clear();
        await setAll(engine, [...names('stay', 120), ...names('go', 120)]);
        const seen = new Set<string>();
        let cursor: string | undefined;
        let at = 0;
        do {
          const { limit, seed } = steps[at++ % steps.length] ?? { limit: 1, seed: 0 };
          const page = await engine.scanKeys({ limit, cursor });
          for (const key of page.keys) seen.add(key);
          cursor = page.cursor;
          if (at < 40) {
            await setAll(engine, names(`new${at}:`, seed * 5));
            await engine.invalidatePrefix(`go${seed}`);
            await setAll(engine, names('stay', seed));
          }
        } while (cursor !== undefined);
        expect(names('stay', 120).filter((key) => !seen.has(key))).toEqual([]);
      }),
      { numRuns: 5 },
    );
  });

  test('namespaces do not meet, and a cursor serves in another thread', async () => {
    const { engine } = shared;
    const space = engine.namespace('pages');
    await space.clear();
    await setAll(space, names('k', 30));
    expect((await readPages(space, { limit: 4 })).flat().sort()).toEqual(names('k', 30));
    expect(await readPages(engine, {})).toEqual([[]]);
    await setAll(engine, names('k', 30));
    const first = await engine.scanKeys({ limit: 10 });
    const thread = new AttachedThread(engine.handle());
    await thread.call('attach');
    const second = (await thread.call('scanKeys', {
      limit: 100,
      cursor: first.cursor,
    })) as Awaited<ReturnType<Engine['scanKeys']>>;
    expect([...first.keys, ...second.keys].sort()).toEqual(names('k', 30));
    expect(second.cursor).toBeUndefined();
    await thread.call('close');
    await thread.terminate();
  });

  test.each<readonly [string, unknown, string]>([
    ['a limit of 0', { limit: 0 }, 'limit: must be a whole number from 1 to 10000, not 0'],
    ['a limit over the most', { limit: 10_001 }, 'limit: must be a whole number from 1 to'],
    ['a broken limit', { limit: 1.5 }, 'limit: must be a whole number from 1 to'],
    ['a text as limit', { limit: '10' }, 'limit: must be a whole number from 1 to'],
    ['a cursor that is none', { cursor: 'x' }, 'cursor: must be one that scanKeys'],
    ['a cursor of too many shards', { cursor: '_'.repeat(16) }, 'cursor: must be one that'],
    ['a wrong name', { limt: 3 }, 'limt: is no option of a page of keys; did you mean limit?'],
    ['no object', 7, 'options: must be an object'],
    ['no signal', { signal: {} }, 'signal: must be an AbortSignal'],
  ])('%s is refused', async (__, given, message) => {
    const outcome = await shared.engine.scanKeys(given as KeyPageOptions).catch((e: unknown) => e);
    expect(CacheError.is(outcome) && outcome.code).toBe('ERR_CACHE_INVALID_OPTIONS');
    expect((outcome as CacheError).message).toContain(message);
  });

  test('any cursor of the right form is harmless', async () => {
    const { engine } = shared;
    await setAll(engine, names('k', 50));
    const form = fc.uint8Array({ minLength: 10, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(form, async (bytes) => {
        const cursor = Buffer.concat([Buffer.of(0, 0), bytes]).toString('base64url');
        const page = await engine.scanKeys({ cursor, limit: 10 });
        expect(page.keys.every((key) => key.startsWith('k'))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('a signal ends the scan', async () => {
    const given = { signal: AbortSignal.abort() };
    await expect(shared.engine.scanKeys(given)).rejects.toMatchObject({
      code: 'ERR_CACHE_ABORTED',
    });
  });

  test('a closed engine refuses', async () => {
    const engine = await createEngine(options);
    await engine.close();
    await expect(engine.scanKeys()).rejects.toMatchObject({ code: 'ERR_CACHE_CLOSED' });
  });
});
