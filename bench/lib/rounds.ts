import { type Random, shuffled } from './random.js';

/** Anything that takes turns in a round. */
export interface Named {
  readonly name: string;
}

/**
 * Runs every contender once per round, each round in a new random order, and returns each one's
 * samples by round. Interleaving spreads drift of the machine evenly; the random order keeps one
 * contender from always running in another's wake.
 */
export async function interleave<C extends Named, Sample>(
  contenders: readonly C[],
  rounds: number,
  random: Random,
  measure: (contender: C, round: number) => Promise<Sample>,
): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of shuffled(contenders, random)) {
      samplesOf(samples, contender.name).push(await measure(contender, round));
    }
  }
  return samples;
}

/** One contender's samples. Throws a RangeError for a name that took no part. */
export function samplesOf<Sample>(samples: ReadonlyMap<string, Sample[]>, name: string): Sample[] {
  const found = samples.get(name);
  if (found === undefined) {
    throw new RangeError(`no contender "${name}"; there are ${[...samples.keys()].join(', ')}`);
  }
  return found;
}
