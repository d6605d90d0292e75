import { aborted, timedOut } from './client-error.js';

/**
 * Runs a task with a signal that fires when the time is over or the outer signal does. The task
 * must end by its signal; the error of this call then says which of the two it was.
 *
 * @throws {ClientError} `ERR_CLIENT_TIMEOUT`, `ERR_CLIENT_ABORTED`, and what the task throws
 */
export async function withinTime<T>(
  limitMs: number,
  outer: AbortSignal | undefined,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (outer?.aborted === true) throw aborted(outer);
  const controller = new AbortController();
  const cancel = (): void => {
    if (outer !== undefined) controller.abort(aborted(outer));
  };
  outer?.addEventListener('abort', cancel, { once: true });
  const timer = setTimeout(() => controller.abort(timedOut(limitMs)), limitMs);
  try {
    return await task(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', cancel);
  }
}

/**
 * Resolves after a time; ends sooner, with a rejection, by the signal.
 *
 * @throws {ClientError} `ERR_CLIENT_ABORTED`, or the reason of the signal where that is an error
 */
export function wait(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  return untilAborted(signal, (resolve) => {
    const timer = setTimeout(resolve, durationMs);
    return () => clearTimeout(timer);
  });
}

/** The promise, or the end of this caller's wait for it: the work behind it goes on. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return untilAborted(signal, (resolve, reject) => {
    promise.then(resolve, reject);
    return () => undefined;
  });
}

/**
 * A promise that an abort rejects.
 *
 * @param start begins the work and gives what cancels it
 */
function untilAborted<T>(
  signal: AbortSignal | undefined,
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(aborted(signal));
      // Whatever becomes of the work, nobody asks any more.
      start(
        () => undefined,
        () => undefined,
      )();
      return;
    }
    const onAbort = (): void => {
      cancel();
      if (signal !== undefined) reject(aborted(signal));
    };
    const settle = (): void => signal?.removeEventListener('abort', onAbort);
    const cancel = start(
      (value) => {
        settle();
        resolve(value);
      },
      (error) => {
        settle();
        reject(error);
      },
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
