import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Change } from '../../../../server/changes/change-feed.js';
import type { Topics } from '../../../../server/websocket/socket-request.js';
import { Subscriptions } from '../../../../server/websocket/subscriptions.js';
import { matchesNaively } from '../../../support/glob-model.js';
import { seedFromEnvironment } from '../../../support/prng.js';

type KnownChange = Exclude<Change, { kind: 'gap' }>;
type Kind = 'subscribe' | 'unsubscribe' | 'leave';

interface Step {
  readonly kind: Kind;
  readonly subscriber: number;
  readonly namespace: string;
  readonly topics: Topics;
}

/** What one subscriber has in one namespace, in the plainest form. */
interface Held {
  readonly keys: Set<string>;
  readonly prefixes: Set<string>;
  readonly tags: Set<string>;
  all: boolean;
}

/** Says who is to be told what by looking at every subscription. */
class NaiveSubscriptions {
  private readonly held = new Map<string, Held>();

  apply({ kind, subscriber, namespace, topics }: Step): void {
    if (kind === 'leave') {
      for (const name of ['', 'n']) this.held.delete(`${subscriber}/${name}`);
      return;
    }
    const name = `${subscriber}/${namespace}`;
    const empty = { keys: new Set<string>(), prefixes: new Set<string>(), tags: new Set<string>() };
    const held = this.held.get(name) ?? { ...empty, all: false };
    this.held.set(name, held);
    for (const of of ['keys', 'prefixes', 'tags'] as const) {
      for (const text of topics[of]) {
        if (kind === 'subscribe') held[of].add(text);
        else held[of].delete(text);
      }
    }
    if (topics.all) held.all = kind === 'subscribe';
  }

  count(subscriber: number): number {
    let count = 0;
    for (const name of ['', 'n']) {
      const held = this.held.get(`${subscriber}/${name}`);
      if (held === undefined) continue;
      count += held.keys.size + held.prefixes.size + held.tags.size + (held.all ? 1 : 0);
    }
    return count;
  }

  /** The keys that a subscriber is to be told of. */
  keysFor(subscriber: number, change: KnownChange & { kind: 'keys' }): string[] {
    const held = this.held.get(`${subscriber}/${change.namespace}`);
    if (held === undefined) return [];
    const isWhole = held.all || change.tags.some((tag) => held.tags.has(tag));
    return change.keys.filter((key) => {
      return isWhole || held.keys.has(key) || [...held.prefixes].some((of) => key.startsWith(of));
    });
  }

  /** Whether a subscriber must be told of a change that is none of keys. */
  isConcerned(subscriber: number, change: Exclude<KnownChange, { kind: 'keys' }>): boolean {
    const held = this.held.get(`${subscriber}/${change.namespace}`);
    if (held === undefined) return false;
    const { keys, prefixes, tags, all } = held;
    if (change.kind === 'tag') {
      return all || keys.size + prefixes.size > 0 || tags.has(change.text);
    }
    if (all || tags.size > 0) return true;
    const { kind, text } = change;
    if (kind === 'prefix') {
      return (
        [...keys].some((key) => key.startsWith(text)) ||
        [...prefixes].some((prefix) => prefix.startsWith(text) || text.startsWith(prefix))
      );
    }
    return (
      [...keys].some((key) => matchesNaively(key, text)) ||
      [...prefixes].some((prefix) => EXTENSIONS.some((end) => matchesNaively(prefix + end, text)))
    );
  }
}

/** Few letters, so that much is hit. */
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '🐱'), minLength: 1, maxLength: 4 });
const EXTENSIONS = ['', 'a', 'b', 'é', '🐱', 'ab', 'ba', 'aab'];
const topics: fc.Arbitrary<Topics> = fc.record({
  keys: fc.array(text, { maxLength: 4 }),
  prefixes: fc.array(text, { maxLength: 3 }),
  tags: fc.array(text, { maxLength: 2 }),
  all: fc.boolean(),
});
const namespace = fc.constantFrom('', 'n');
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom<Kind>('subscribe', 'subscribe', 'subscribe', 'unsubscribe', 'leave'),
  subscriber: fc.nat({ max: 4 }),
  namespace,
  topics,
});
const keyChange = fc.record({
  kind: fc.constant('keys' as const),
  namespace,
  keys: fc.uniqueArray(text, { minLength: 1, maxLength: 6 }),
  action: fc.constantFrom('update' as const, 'delete' as const),
  tags: fc.array(text, { maxLength: 2 }),
});
const glob = fc
  .array(fc.constantFrom('a', 'b', '*', '?', '[ab]', '\\a'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(''));
const otherChange = fc.oneof(
  fc.record({ kind: fc.constantFrom('prefix' as const, 'tag' as const), namespace, text }),
  fc.record({ kind: fc.constant('glob' as const), namespace, text: glob }),
);

const SUBSCRIBERS = Array.from({ length: 5 }, (_, number) => ({ number }));

describe('subscriptions', () => {
  test('tell exactly those whom a change concerns, each once', () => {
    const property = fc.property(
      fc.array(step, { maxLength: 20 }),
      fc.array(fc.oneof(keyChange, otherChange), { minLength: 1, maxLength: 10 }),
      (steps, changes) => {
        const naive = new NaiveSubscriptions();
        const real = new Subscriptions<{ number: number }>();
        for (const taken of steps) {
          const subscriber = SUBSCRIBERS[taken.subscriber] as { number: number };
          const before = real.count(subscriber);
          const expected = real.countNew(subscriber, taken.namespace, taken.topics);
          naive.apply(taken);
          if (taken.kind === 'leave') real.removeAll(subscriber);
          else if (taken.kind === 'subscribe') {
            real.add(subscriber, taken.namespace, taken.topics);
            expect(real.count(subscriber)).toBe(before + expected);
          } else real.remove(subscriber, taken.namespace, taken.topics);
          expect(real.count(subscriber)).toBe(naive.count(taken.subscriber));
        }
        const total = SUBSCRIBERS.reduce((sum, { number }) => sum + naive.count(number), 0);
        expect(real.isEmpty).toBe(total === 0);
        for (const change of changes) compare(naive, real, change);
      },
    );
    fc.assert(property, { seed: seedFromEnvironment(), numRuns: 2_000 });
  });

  test('give equal lists of keys as one object', () => {
    const real = new Subscriptions<{ number: number }>();
    const some: Topics = { keys: ['a', 'b'], prefixes: [], tags: [], all: false };
    for (const subscriber of SUBSCRIBERS) real.add(subscriber, '', some);
    const lists = new Set<readonly string[] | undefined>();
    const keys = ['a', 'b', 'c'];
    real.match({ kind: 'keys', namespace: '', keys, action: 'update', tags: [] }, (_, matched) => {
      lists.add(matched);
    });
    expect([...lists]).toEqual([['a', 'b']]);
  });

  test('of which there are many cost a change what it concerns, not what there is', () => {
    const real = new Subscriptions<{ number: number }>();
    const many = Array.from({ length: 10_000 }, (_, number) => ({ number }));
    for (const subscriber of many) {
      const prefixes = [`user:${subscriber.number}:`, `order:${subscriber.number}:`];
      real.add(subscriber, '', { keys: [], prefixes, tags: [], all: false });
    }
    const startMs = performance.now();
    let told = 0;
    for (let number = 0; number < 10_000; number++) {
      const keys = [`user:${number}:name`];
      real.match({ kind: 'keys', namespace: '', keys, action: 'update', tags: [] }, () => {
        told += 1;
      });
    }
    expect(told).toBe(10_000);
    // Looking at each subscription would be 2 × 10^8 comparisons: minutes, not a moment.
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });
});

function compare(
  naive: NaiveSubscriptions,
  real: Subscriptions<{ number: number }>,
  change: KnownChange,
): void {
  const told = new Map<number, readonly string[] | undefined>();
  real.match(change, ({ number }, keys) => {
    expect(told.has(number)).toBe(false);
    told.set(number, keys);
  });
  for (const { number } of SUBSCRIBERS) {
    if (change.kind === 'keys') {
      expect(told.get(number) ?? []).toEqual(naive.keysFor(number, change));
      continue;
    }
    const isConcerned = naive.isConcerned(number, change);
    // A glob is judged by its beginning alone: some are told in vain, nobody is left out.
    if (change.kind !== 'glob') expect(told.has(number)).toBe(isConcerned);
    else if (isConcerned) expect(told.has(number)).toBe(true);
  }
}
