/**
 * One load for all threads: however many callers miss a key at once, one loader is called.
 *
 *   npm run build && node examples/get-or-load.mjs
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { attachEngine, createEngine } from 'hotshard';

const THREADS = 3;
const CALLERS = 100;

if (isMainThread) await startThreads();
else await askTogether(workerData);

async function startThreads() {
  const engine = await createEngine({ memory: '64mb', workers: 1 });
  try {
    const threads = Array.from({ length: THREADS }, () => answerOfThread(engine.handle()));
    const answers = await Promise.all(threads);

    const total = answers.reduce((sum, count) => sum + count, 0);
    console.log('answers        ', total);
    console.log('loader calls   ', engine.get('loader calls'));
    console.log('value          ', engine.get('report'));

    // A loader that fails: the callers get its error, and nothing is stored.
    const failing = engine.getOrLoad('other report', () => {
      throw new Error('the source is down');
    });
    console.log('failed         ', await failing.catch((error) => error.message));

    // A value that is kept as a fallback is the answer while the source is down.
    await engine.expirePrefix('report');
    const fallback = engine.getOrLoad('report', () => Promise.reject(new Error('still down')));
    console.log('stale fallback ', await fallback);
  } finally {
    await engine.close();
  }
}

/** How many callers in a new thread got the value. */
async function answerOfThread(handle) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { handle } });
  const ended = once(worker, 'exit');
  const [count] = await once(worker, 'message');
  await ended;
  return count;
}

async function askTogether({ handle }) {
  const engine = attachEngine(handle);
  const load = async () => {
    await engine.increment('loader calls');
    // As long as a slow source takes; all the others wait on shared memory.
    await delay(200);
    return { rows: 3 };
  };
  const calls = Array.from({ length: CALLERS }, () => {
    return engine.getOrLoad('report', load, { ttl: '5m' });
  });
  const reports = await Promise.all(calls);
  parentPort.postMessage(reports.filter((report) => report.rows === 3).length);
  await engine.close();
}
