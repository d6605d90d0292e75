/** Commands of other threads that still wait when the creating thread closes the engine. */
import { expect, test } from 'vitest';
import { createEngine, type Engine } from '../../src/index.js';
import { AttachedThread } from '../support/attached-thread.js';
import { holdShard } from '../support/held-shards.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';

/** Fewer than a ring takes, more than one turn of its holder. */
const COMMANDS = 600;

test('what waited in a ring is in the file of the clean close', async () => {
  using folder = temporaryFolder();
  const persistence = { kind: 'file', path: folder.path('entries') } as const;
  const open = (): Promise<Engine> =>
    createEngine({ memory: '32mb', shards: 1, workers: 0, persistence });
  const engine = await open();
  const words = new Int32Array(new SharedArrayBuffer(4));
  const other = new AttachedThread(engine.handle());
  try {
    await other.call('attach');
    const letGo = holdShard(engine.handle(), 0);
    const stalled = other.call('setAndStall', 'key', 'v', COMMANDS, words);
    const queued = (): number =>
      engine.stats().threads.reduce((sum, { queuedWrites }) => sum + queuedWrites, 0);
    await until('all are in the ring', () => queued() === COMMANDS);
    letGo();
    await engine.close();
    await using second = await open();
    expect(second.get('key')).toBe(`v:${COMMANDS - 1}`);
    Atomics.store(words, 0, 1);
    Atomics.notify(words, 0);
    await stalled;
  } finally {
    await other.terminate();
  }
});
