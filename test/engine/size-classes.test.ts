/** What `stats()` tells of the pages of each size. */
import { afterEach, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../src/index.js';

const opened: Engine[] = [];
afterEach(async () => {
  for (const engine of opened.splice(0)) await engine.close();
});

test('pages are told by the size of their chunks, within those that a shard has', async () => {
  const engine = await createEngine({ memory: '16mb', workers: 0, shards: 2 });
  opened.push(engine);
  expect(engine.stats().shards.flatMap(({ sizeClasses }) => sizeClasses)).toEqual([]);
  for (let index = 0; index < 2_000; index++) {
    await engine.set(`small:${index}`, 'x');
    if (index % 4 === 0) await engine.set(`large:${index}`, new Uint8Array(3_000));
  }
  const { shards, pageBytes, memoryBytes } = engine.stats();
  expect(pageBytes * shards.reduce((sum, { pages }) => sum + pages, 0)).toBeLessThan(memoryBytes);
  for (const { sizeClasses, pages, freePages, bytes } of shards) {
    const sizes = sizeClasses.map(({ chunkBytes }) => chunkBytes);
    expect(sizes).toEqual([...new Set(sizes)].sort((left, right) => left - right));
    expect(sizes[0]).toBeLessThan(100);
    expect(sizes.some((chunkBytes) => chunkBytes > 3_000 && chunkBytes < 4_000)).toBe(true);
    const slabPages = sizeClasses.reduce((sum, sizeClass) => sum + sizeClass.pages, 0);
    expect(slabPages).toBeLessThanOrEqual(pages - freePages);
    // All items here are in chunks, so their bytes are within those pages.
    expect(bytes).toBeLessThanOrEqual(slabPages * pageBytes);
    expect(bytes).toBeGreaterThan((slabPages * pageBytes) / 2);
  }
});
