/** Every command of `scenarios.ts`, cut off at each store, recovered, and recovered again. */
import { describe, expect, it } from 'vitest';
import { createPrng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { cutEverywhere, cutRecoveries, cutWholeRecovery, type Scenario } from './cut-rig.js';
import { SCENARIOS } from './scenarios.js';

const seed = seedFromEnvironment();
const replay = replayCommand(seed, 'test/trap/cut-commands.test.ts');

describe.each(Object.entries(SCENARIOS))('%s that is cut off at any store', (_, scenarios) => {
  it.each(scenarios)('is done or not done, and all else is as it was: $name', (scenario) => {
    expect(cutEverywhere(scenario)).toBeGreaterThan(5);
  });

  it.each(scenarios)('is recovered although its recovery is cut off: $name', (scenario) => {
    try {
      cutRecoveries(scenario, createPrng(seed), scaled(40));
    } catch (cause) {
      throw new Error(`${(cause as Error).message}; ${replay}`, { cause });
    }
  });
});

/** Every store of a recovery, for the commands that leave the most behind. */
const THOROUGH: readonly (readonly [string, number])[] = [
  ['a large value instead of a large one', 0.7],
  ['moves what was used lately to another page', 0.5],
  ['splits a bucket, its chain with it', 0.8],
];

describe('a recovery that is cut off at every store', () => {
  it.each(THOROUGH)('after %s, cut off at %d of it', (name, share) => {
    const all: readonly Scenario[] = Object.values(SCENARIOS).flat();
    const scenario = all.find((each) => each.name === name);
    expect(cutWholeRecovery(scenario as Scenario, share, scaled(100))).toBeGreaterThan(200);
  });
});
