/** Slots of threads that are gone, and of whom the engine has not heard yet. */
import type { Engine } from '../../src/index.js';
import { AttachedThread } from './attached-thread.js';

/** Attaches a thread and ends it; the number of the slot that still says it is attached. */
export async function deadThread(engine: Engine): Promise<number> {
  const before = new Set(engine.stats().threads.map(({ threadId }) => threadId));
  const thread = new AttachedThread(engine.handle());
  await thread.call('attach');
  const own = engine.stats().threads.find(({ threadId }) => !before.has(threadId));
  await thread.terminate();
  if (own === undefined) throw new Error('the thread has no slot');
  return own.threadId;
}
