/**
 * The engine inside a program: one thread stores, another reads the same memory.
 *
 *   npm run build && node examples/embedded.mjs
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { attachEngine, CacheError, createEngine } from 'hotshard';

if (isMainThread) await storeAndShare();
else await readInAnotherThread();

async function storeAndShare() {
  const engine = await createEngine({ memory: '64mb', workers: 1, defaultTtl: '1h' });
  try {
    await engine.set('user:123', { name: 'Alice' }, { ttl: '10m' });
    console.log('value    ', engine.get('user:123'));
    console.log('a miss is', engine.get('user:456'));

    const { state, ttlMs, sizeBytes } = engine.getWithMeta('user:123');
    console.log('meta     ', { state, ttlMinutes: Math.round(ttlMs / 60_000), sizeBytes });

    await engine.setMany([
      ['color:1', 'red'],
      ['color:2', 'green'],
    ]);
    console.log('many     ', engine.getMany(['color:1', 'color:2', 'color:3']));

    const sessions = engine.namespace('sessions');
    await sessions.set('user:123', 'another entry than the one above');
    await sessions.clear();
    console.log('cleared  ', sessions.get('user:123'), 'but', engine.has('user:123'));

    // The handle is all that another thread needs; no value is copied or sent.
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { handle: engine.handle() },
    });
    // Listened for from the start: a thread may end in the very turn in which its message comes.
    const ended = once(worker, 'exit');
    const [seen] = await once(worker, 'message');
    console.log('in thread', seen);
    await ended;
    console.log('from it  ', engine.get('greeting'));

    try {
      await engine.set('', 'an empty key');
    } catch (error) {
      if (error instanceof CacheError) console.log('refused  ', error.code);
      else throw error;
    }
  } finally {
    await engine.close();
  }
}

async function readInAnotherThread() {
  const engine = attachEngine(workerData.handle);
  const value = engine.get('user:123');
  await engine.set('greeting', 'hello from the other thread');
  await engine.close();
  parentPort.postMessage(value);
}
