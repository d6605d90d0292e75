/** Waiting for a condition instead of for time. */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';

const STEP_MS = 2;
const WAIT_MS_MAX = 30_000;

/** Resolves when the condition holds; rejects, with what was waited for, if it never does. */
export async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  waitMsMax: number = WAIT_MS_MAX,
): Promise<void> {
  const startMs = performance.now();
  while (!(await isTrue())) {
    if (performance.now() - startMs > waitMsMax) throw new Error(`never happened: ${what}`);
    await delay(STEP_MS);
  }
}

/** Lets the event loop take some turns. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn();
}

/**
 * Resolves as the promise does; rejects, with what was waited for, when it does not settle. The
 * clock is looked at in turns of the event loop.
 */
export async function settles<T>(
  what: string,
  promise: Promise<T>,
  waitMsMax = 20_000,
): Promise<T> {
  let isSettled = false;
  const settled = promise.finally(() => {
    isSettled = true;
  });
  settled.catch(() => undefined);
  await until(`${what} settles`, () => isSettled, waitMsMax);
  return settled;
}
