import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { currentThread, isThreadAlive, type OsThread } from '../../../workers/os-thread.js';

const hasProc = existsSync('/proc/thread-self');
const moduleUrl = new URL('../../../workers/os-thread.ts', import.meta.url);

/** The module as a worker's program: threads of Node.js 20 do not read TypeScript themselves. */
function startWorker(): Worker {
  const program = `${readFileSync(moduleUrl, 'utf8')}
    import { parentPort } from 'node:worker_threads';
    parentPort.postMessage(currentThread());
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;
  const { outputText } = ts.transpileModule(program, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(outputText)}`));
}

async function firstMessage(worker: Worker): Promise<OsThread> {
  const [message] = (await once(worker, 'message')) as [OsThread];
  return message;
}

test.runIf(hasProc)('a thread knows itself and is alive', () => {
  const thread = currentThread();
  expect(thread).toEqual({ threadId: expect.any(Number), startTime: expect.any(Number) });
  expect(thread?.threadId).toBeGreaterThan(0);
  expect(thread?.startTime).toBeGreaterThan(0);
  expect(currentThread()).toEqual(thread);
  expect(isThreadAlive(thread?.threadId ?? 0, thread?.startTime ?? 0)).toBe(true);
});

test.runIf(hasProc)('another start time is another thread', () => {
  const { threadId, startTime } = currentThread() ?? { threadId: 0, startTime: 0 };
  expect(isThreadAlive(threadId, startTime + 1)).toBe(false);
  expect(isThreadAlive(threadId, 0)).toBe(false);
});

test.runIf(hasProc)('a thread that never was is not alive', () => {
  // Above the largest id that Linux gives out.
  expect(isThreadAlive(2 ** 22 + 1, 1)).toBe(false);
});

test.runIf(hasProc)('a worker is alive until it was terminated', async () => {
  const worker = startWorker();
  const { threadId, startTime } = await firstMessage(worker);
  expect(threadId).not.toBe(currentThread()?.threadId);
  expect(isThreadAlive(threadId, startTime)).toBe(true);
  await worker.terminate();
  // The task leaves /proc a moment after the exit was reported.
  while (isThreadAlive(threadId, startTime)) await nextTurn();
  expect(isThreadAlive(threadId, startTime)).toBe(false);
});

test.runIf(hasProc)('workers that run at once are told apart', async () => {
  const workers = [startWorker(), startWorker(), startWorker()];
  const threads = await Promise.all(workers.map(firstMessage));
  expect(new Set(threads.map(({ threadId }) => threadId)).size).toBe(3);
  await workers[1]?.terminate();
  const [first, second, third] = threads as [OsThread, OsThread, OsThread];
  while (isThreadAlive(second.threadId, second.startTime)) await nextTurn();
  expect(isThreadAlive(first.threadId, first.startTime)).toBe(true);
  expect(isThreadAlive(third.threadId, third.startTime)).toBe(true);
  await Promise.all(workers.map((worker) => worker.terminate()));
});
