/** Hits on copies are counted where every thread can see them, whether a worker ticks or not. */
import { expect, test } from 'vitest';
import { createEngine } from '../../src/index.js';
import { AttachedThread } from '../support/attached-thread.js';

const HITS = 1_000;
/** Hits that a thread may keep to itself for a while. */
const UNTOLD_MAX = 64;

test.each([0, 1])('hits of another thread are counted, with %i workers', async (workers) => {
  await using engine = await createEngine({ memory: '8mb', workers });
  const other = new AttachedThread(engine.handle());
  try {
    await other.call('attach');
    await engine.set('key', 'value');
    for (let hit = 0; hit < HITS; hit++) await other.call('get', 'key');
    const { hits } = engine.stats();
    expect(hits).toBeLessThanOrEqual(HITS);
    expect(hits).toBeGreaterThan(HITS - UNTOLD_MAX);
  } finally {
    await other.terminate();
  }
});
