/** The ways in which an engine can be set up; tests of the library run on each of them. */
import { afterAll, beforeAll } from 'vitest';
import { createEngine, type Engine, type EngineOptions } from '../../src/index.js';

/** A name, and what `createEngine` is given. Small arenas soon reach their limits. */
export type EngineKind = readonly [name: string, options: EngineOptions];

export const ENGINE_KINDS: readonly EngineKind[] = [0, 1, 2].flatMap((workers) =>
  (['inplace', 'ring'] as const).map(
    (writes) =>
      [
        `${workers} workers, writes ${writes}`,
        { memory: '8mb', workers, shards: Math.max(1, workers), writes: { kind: writes } },
      ] as const,
  ),
);

/** One engine for all tests of a `describe`; each test uses keys of its own. */
export function useEngine(options: EngineOptions): { readonly engine: Engine } {
  let engine: Engine | undefined;
  beforeAll(async () => {
    engine = await createEngine(options);
  });
  afterAll(() => engine?.close());
  return {
    get engine(): Engine {
      if (engine === undefined) throw new Error('the engine is not there yet');
      return engine;
    },
  };
}
