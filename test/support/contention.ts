/** Keeps an engine busy from another thread while a test runs. */
import type { Engine } from '../../src/index.js';
import { messageOf, startFixture } from './attached-thread.js';
import { settles, until } from './until.js';

/** Resolves once the other thread is at work; the returned function ends it. */
export async function startContention(engine: Engine): Promise<() => Promise<void>> {
  const words = new Int32Array(new SharedArrayBuffer(8));
  const worker = startFixture('contender.mjs', { handle: engine.handle(), words });
  const stopped = messageOf<string>(worker);
  stopped.catch(() => undefined);
  await until('the contender is at work', () => Atomics.load(words, 1) > 0);
  return async () => {
    Atomics.store(words, 0, 1);
    await settles('the contender', stopped);
    await worker.terminate();
  };
}
