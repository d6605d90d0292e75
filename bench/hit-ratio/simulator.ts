/**
 * What every simulated cache is: it is asked for one key after the other, and a key that it does
 * not hold is taken in. Keys are whole numbers from 0 to the number of keys in the trace - 1.
 */
export interface Simulator {
  /** One cache-aside request: a hit, or a miss followed by storing the key. True is a hit. */
  access(key: number): boolean;
}

/** Hits of a simulated cache over all requests of a trace. */
export function countHits(simulator: Simulator, requests: Int32Array): number {
  let hits = 0;
  for (const key of requests) if (simulator.access(key)) hits += 1;
  return hits;
}
