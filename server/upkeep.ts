/** What a slice of the work is done on. */
export interface Reclaimable {
  /** Does a bounded part of the work; whether there is more. */
  reclaim(): boolean;
}

/**
 * Removes expired entries of an engine that has no threads of its own, at an interval: a slice at a
 * time, so that requests are served in between. Keeps no process alive.
 *
 * @returns ends it
 */
export function startUpkeep(engine: Reclaimable, intervalMs: number): () => void {
  let slice: NodeJS.Immediate | undefined;
  const work = (): void => {
    slice = engine.reclaim() ? setImmediate(work) : undefined;
  };
  const timer = setInterval(() => {
    // The round before may still be at work.
    if (slice === undefined) work();
  }, intervalMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    clearImmediate(slice);
  };
}
