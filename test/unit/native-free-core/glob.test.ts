/** The glob matcher of the core: against a plain model, on hostile patterns, cut into pieces. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { THREAD_VALUE } from '../../../native-free-core/assembly/layout.js';
import { globPattern } from '../../../src/scans/key-pattern.js';
import { CoreArena } from '../../support/core-arena.js';
import { matchesNaively } from '../../support/glob-model.js';
import { seedFromEnvironment } from '../../support/prng.js';
import { scaled } from '../../support/scale.js';

const ALL_STEPS = 0x7fff_ffff;
const PATTERN_ROOM = 2_048;
/** Most steps of one class member, and of one element around it. */
const STEPS_PER_BYTE = 3;
const seed = seedFromEnvironment();
const arena = new CoreArena();
const thread = arena.attach();

interface Outcome {
  readonly isMatch: boolean;
  readonly steps: number;
}

function match(text: string, glob: string, stepsMax = ALL_STEPS): Outcome {
  const textBytes = Buffer.from(text);
  const globBytes = Buffer.from(glob);
  const patternAddress = thread.slot + THREAD_VALUE;
  const textAddress = patternAddress + PATTERN_ROOM;
  arena.bytes.set(globBytes, patternAddress);
  arena.bytes.set(textBytes, textAddress);
  const answer = thread.core.selfGlob(
    textAddress,
    textBytes.length,
    patternAddress,
    globBytes.length,
    stepsMax,
  );
  return { isMatch: (answer & 1) === 1, steps: answer >>> 1 };
}

describe('examples', () => {
  test.each<readonly [string, string, boolean]>([
    ['user:1', 'user:*', true],
    ['user:', 'user:*', true],
    ['user', 'user:*', false],
    ['a/b/c', 'a*c', true],
    ['abc', 'a?c', true],
    ['ac', 'a?c', false],
    ['a😀c', 'a?c', true],
    ['aéc', 'a?c', true],
    ['éé', '??', true],
    ['éé', '?', false],
    ['b', '[a-c]', true],
    ['d', '[a-c]', false],
    ['d', '[^a-c]', true],
    ['d', '[!a-c]', true],
    ['b', '[!a-c]', false],
    ['!', '[a!]', true],
    ['^', '[a^]', true],
    ['-', '[a-]', true],
    ['-', '[-a]', true],
    [']', '[\\]]', true],
    ['[', '\\[', true],
    ['*', '\\*', true],
    ['x', '\\*', false],
    ['\\', '\\\\', true],
    ['é', '[à-ü]', true],
    ['z', '[à-ü]', false],
    ['😀', '[😀-😂]', true],
    ['😃', '[😀-😂]', false],
    ['😃', '[^😀-😂]', true],
    ['b', '[a\\-c]', false],
    ['-', '[a\\-c]', true],
    ['a}', 'a}', true],
    ['anything', '*', true],
    ['anything', '***?', true],
    ['aXbYc', 'a*b*c', true],
    ['aab', '*ab', true],
    ['abab', '*ab', true],
    ['ababa', '*ab', false],
    ['Key', 'key', false],
  ])('%s against %s: %s', (text, glob, expected) => {
    expect(() => globPattern(glob)).not.toThrow();
    expect(match(text, glob).isMatch).toBe(expected);
    expect(matchesNaively(text, glob)).toBe(expected);
  });
});

const points = ['a', 'b', 'c', 'é', '😀', '-', ']', '\\', '*', '[', '^'];
const texts = fc.array(fc.constantFrom(...points), { maxLength: 12 }).map((all) => all.join(''));
const escaped = fc.constantFrom(...points).map((point) => `\\${point}`);
const plain = fc.constantFrom('a', 'b', 'c', 'é', '😀');
const members = fc.oneof(plain, escaped);
const range = fc
  .tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('c', 'é', '😀'))
  .map(([low, high]) => `${low}-${high}`);
const classes = fc
  .tuple(
    fc.constantFrom('', '^', '!'),
    fc.array(fc.oneof(members, range), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '-'),
  )
  .map(([negation, all, dash]) => `[${negation}${all.join('')}${dash}]`);
const globs = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: plain },
      { weight: 3, arbitrary: fc.constant('*') },
      fc.constant('?'),
      escaped,
      classes,
    ),
    { minLength: 1, maxLength: 9 },
  )
  .map((all) => all.join(''));

describe('properties', () => {
  it('decides as the plain model does, in one go or in pieces', () => {
    fc.assert(
      fc.property(texts, globs, fc.integer({ min: 1, max: 9 }), (text, glob, stepsMax) => {
        globPattern(glob);
        const expected = matchesNaively(text, glob);
        expect(match(text, glob).isMatch).toBe(expected);
        expect(match(text, glob, stepsMax).isMatch).toBe(expected);
      }),
      { seed, numRuns: scaled(3_000) },
    );
  });

  it('ends on any bytes, within its bound, and reads nothing outside of them', () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(bytes, bytes, fc.uint8Array({ minLength: 40, maxLength: 40 }), (...parts) => {
        const [text, pattern, rest] = parts;
        const patternAddress = thread.slot + THREAD_VALUE;
        const textAddress = patternAddress + PATTERN_ROOM;
        const answers = [rest, rest.toReversed()].map((behind) => {
          arena.bytes.set(behind, patternAddress + pattern.length);
          arena.bytes.set(behind, textAddress + text.length);
          arena.bytes.set(pattern, patternAddress);
          arena.bytes.set(text, textAddress);
          const { length } = pattern;
          return thread.core.selfGlob(textAddress, text.length, patternAddress, length, ALL_STEPS);
        });
        expect(answers[0]).toBe(answers[1]);
        const bound = STEPS_PER_BYTE * (text.length + 1) * (pattern.length + 1);
        expect((answers[0] as number) >>> 1).toBeLessThanOrEqual(bound);
      }),
      { seed, numRuns: scaled(3_000) },
    );
  });
});

describe('H37: patterns that blow up a backtracking matcher', () => {
  it('*a*a*a*a*a*ab on 200 × a takes a few steps for each character', () => {
    const { isMatch, steps } = match('a'.repeat(200), '*a*a*a*a*a*ab');
    expect(isMatch).toBe(false);
    expect(steps).toBeLessThan(200 * 4);
  });

  test.each([1, 2, 5, 20, 100])('%i stars take no more steps than one', (stars) => {
    const one = match('a'.repeat(1_000), '*ab').steps;
    const { isMatch, steps } = match('a'.repeat(1_000), `${'*a'.repeat(stars)}*ab`);
    expect(isMatch).toBe(false);
    expect(steps).toBeLessThan(one + 4 * stars);
  });

  test.each([
    `*${'a'.repeat(254)}b`,
    `*${'?'.repeat(252)}b*`,
    `*${'[ab]'.repeat(62)}[b]*`,
    `*${'a'.repeat(120)}[${'b'.repeat(130)}]*`,
    `${'a*'.repeat(127)}b`,
  ])('the longest key against %s stays within key × pattern', (glob) => {
    globPattern(glob);
    const { isMatch, steps } = match('a'.repeat(1_024), glob);
    expect(isMatch).toBe(false);
    expect(steps).toBeLessThanOrEqual(STEPS_PER_BYTE * 1_025 * 257);
  });
});
