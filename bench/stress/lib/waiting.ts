import { setTimeout as delay } from 'node:timers/promises';

const STEP_MS = 1;
const WAIT_MS_MAX = 60_000;

/** Resolves when the condition holds; rejects, with what was waited for, if it never does. */
export async function until(
  what: string,
  isTrue: () => boolean,
  waitMsMax: number = WAIT_MS_MAX,
): Promise<void> {
  const endMs = performance.now() + waitMsMax;
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error(`never happened: ${what}`);
    await delay(STEP_MS);
  }
}

/** Resolves as the promise does; rejects when it does not settle. */
export async function settles<T>(what: string, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = promise.finally(() => {
    isSettled = true;
  });
  settled.catch(() => undefined);
  await until(`${what} settles`, () => isSettled);
  return settled;
}

/** The value below which so many of 100 samples lie; 0 without samples. */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = [...samples].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
}
