import type { Change } from '../changes/change-feed.js';
import type { Topics } from './socket-request.js';

/** Of one subscriber's keys and prefixes so many are compared with a change by prefix or glob. */
const COMPARED_MAX = 64;
const GLOB_SPECIALS = /[*?[\\]/;

/** What one subscriber has in one namespace. */
class HeldTopics {
  readonly keys = new Set<string>();
  readonly prefixes = new Set<string>();
  readonly tags = new Set<string>();
  all = false;

  get count(): number {
    return this.keys.size + this.prefixes.size + this.tags.size + (this.all ? 1 : 0);
  }
}

/** What one subscriber has in all namespaces. */
interface Total {
  count: number;
  readonly namespaces: Set<string>;
}

/** Told of a subscriber that a change concerns; the keys only for a change of keys. */
export type Visitor<S> = (subscriber: S, keys: readonly string[] | undefined) => void;

/**
 * Who listens to what. A change of keys costs what the subscribers cost whom it concerns, plus, for
 * each key, one look-up for every length that prefixes have: not all subscriptions.
 */
export class Subscriptions<S extends object> {
  private readonly namespaces = new Map<string, NamespaceTopics<S>>();
  private readonly totals = new Map<S, Total>();

  /** Whether nobody listens to anything. */
  get isEmpty(): boolean {
    return this.totals.size === 0;
  }

  /** All who have a subscription. */
  get subscribers(): Iterable<S> {
    return this.totals.keys();
  }

  count(subscriber: S): number {
    return this.totals.get(subscriber)?.count ?? 0;
  }

  /** How many subscriptions the topics would add to those that the subscriber has. */
  countNew(subscriber: S, namespace: string, topics: Topics): number {
    const held = this.namespaces.get(namespace)?.held(subscriber);
    const isNew = (of: 'keys' | 'prefixes' | 'tags') => (text: string) => !held?.[of].has(text);
    return (
      new Set(topics.keys.filter(isNew('keys'))).size +
      new Set(topics.prefixes.filter(isNew('prefixes'))).size +
      new Set(topics.tags.filter(isNew('tags'))).size +
      (topics.all && held?.all !== true ? 1 : 0)
    );
  }

  add(subscriber: S, namespace: string, topics: Topics): void {
    const { keys, prefixes, tags, all } = topics;
    if (keys.length + prefixes.length + tags.length === 0 && !all) return;
    let known = this.namespaces.get(namespace);
    if (known === undefined) {
      known = new NamespaceTopics();
      this.namespaces.set(namespace, known);
    }
    const total = this.totals.get(subscriber) ?? { count: 0, namespaces: new Set() };
    total.count += known.add(subscriber, topics);
    total.namespaces.add(namespace);
    this.totals.set(subscriber, total);
  }

  remove(subscriber: S, namespace: string, topics: Topics): void {
    const known = this.namespaces.get(namespace);
    const total = this.totals.get(subscriber);
    if (known === undefined || total === undefined) return;
    total.count += known.remove(subscriber, topics);
    if (known.held(subscriber) === undefined) total.namespaces.delete(namespace);
    if (known.isEmpty) this.namespaces.delete(namespace);
    if (total.count === 0) this.totals.delete(subscriber);
  }

  removeAll(subscriber: S): void {
    for (const namespace of [...(this.totals.get(subscriber)?.namespaces ?? [])]) {
      const held = this.namespaces.get(namespace)?.held(subscriber);
      if (held === undefined) continue;
      const { keys, prefixes, tags, all } = held;
      const topics = { keys: [...keys], prefixes: [...prefixes], tags: [...tags], all };
      this.remove(subscriber, namespace, topics);
    }
  }

  /**
   * Visits everybody whom the change concerns, once. The lists of keys of one call are the same
   * object where they are equal.
   */
  match(change: Exclude<Change, { kind: 'gap' }>, visit: Visitor<S>): void {
    const known = this.namespaces.get(change.namespace);
    if (known === undefined) return;
    if (change.kind === 'keys') known.matchKeys(change.keys, change.tags, visit);
    else if (change.kind === 'tag') known.matchTag(change.text, visit);
    else known.matchPrefix(change.kind === 'prefix' ? change.text : literalOf(change.text), visit);
  }
}

class NamespaceTopics<S extends object> {
  private readonly byKey = new Map<string, Set<S>>();
  private readonly byPrefix = new Map<string, Set<S>>();
  private readonly byTag = new Map<string, Set<S>>();
  private readonly toAll = new Set<S>();
  private readonly bySubscriber = new Map<S, HeldTopics>();
  /** How many different prefixes have a length, in UTF-16 units. */
  private readonly prefixLengths = new Map<number, number>();

  get isEmpty(): boolean {
    return this.bySubscriber.size === 0;
  }

  held(subscriber: S): HeldTopics | undefined {
    return this.bySubscriber.get(subscriber);
  }

  /** @returns by how many the subscriptions grew */
  add(subscriber: S, topics: Topics): number {
    const held = this.bySubscriber.get(subscriber) ?? new HeldTopics();
    const before = held.count;
    this.bySubscriber.set(subscriber, held);
    for (const key of topics.keys) addTo(this.byKey, key, subscriber, held.keys);
    for (const tag of topics.tags) addTo(this.byTag, tag, subscriber, held.tags);
    for (const prefix of topics.prefixes) {
      if (!this.byPrefix.has(prefix)) this.countLength(prefix.length, 1);
      addTo(this.byPrefix, prefix, subscriber, held.prefixes);
    }
    if (topics.all) this.toAll.add(subscriber);
    held.all ||= topics.all;
    return held.count - before;
  }

  /** @returns by how many the subscriptions grew: not above zero */
  remove(subscriber: S, topics: Topics): number {
    const held = this.bySubscriber.get(subscriber);
    if (held === undefined) return 0;
    const before = held.count;
    for (const key of topics.keys) removeFrom(this.byKey, key, subscriber, held.keys);
    for (const tag of topics.tags) removeFrom(this.byTag, tag, subscriber, held.tags);
    for (const prefix of topics.prefixes) {
      const isLast = removeFrom(this.byPrefix, prefix, subscriber, held.prefixes);
      if (isLast) this.countLength(prefix.length, -1);
    }
    if (topics.all) this.toAll.delete(subscriber);
    held.all &&= !topics.all;
    if (held.count === 0) this.bySubscriber.delete(subscriber);
    return held.count - before;
  }

  matchKeys(keys: readonly string[], tags: readonly string[], visit: Visitor<S>): void {
    // Whoever gets all keys needs no look at each of them.
    const whole = new Set(this.toAll);
    for (const tag of tags)
      for (const subscriber of this.byTag.get(tag) ?? []) whole.add(subscriber);
    const indexes = new Map<S, number[]>();
    const note = (subscriber: S, index: number): void => {
      if (whole.has(subscriber)) return;
      const known = indexes.get(subscriber);
      if (known === undefined) indexes.set(subscriber, [index]);
      else if (known.at(-1) !== index) known.push(index);
    };
    for (const [index, key] of keys.entries()) {
      for (const subscriber of this.byKey.get(key) ?? []) note(subscriber, index);
      for (const length of this.prefixLengths.keys()) {
        if (length > key.length) continue;
        for (const subscriber of this.byPrefix.get(key.slice(0, length)) ?? []) {
          note(subscriber, index);
        }
      }
    }
    for (const subscriber of whole) visit(subscriber, keys);
    const lists = new Map<string, readonly string[]>();
    for (const [subscriber, matched] of indexes) {
      visit(subscriber, shareList(keys, matched, lists));
    }
  }

  /** What has the tag is not known: everybody who knows keys may be concerned. */
  matchTag(tag: string, visit: Visitor<S>): void {
    for (const [subscriber, { keys, prefixes, tags, all }] of this.bySubscriber) {
      const isConcerned = all || keys.size > 0 || prefixes.size > 0 || tags.has(tag);
      if (isConcerned) visit(subscriber, undefined);
    }
  }

  /** Which tags are concerned is not known: everybody who has one is told. */
  matchPrefix(prefix: string, visit: Visitor<S>): void {
    for (const [subscriber, { keys, prefixes, tags, all }] of this.bySubscriber) {
      const isConcerned =
        all ||
        tags.size > 0 ||
        mayMatch(keys, (key) => key.startsWith(prefix)) ||
        mayMatch(prefixes, (other) => other.startsWith(prefix) || prefix.startsWith(other));
      if (isConcerned) visit(subscriber, undefined);
    }
  }

  private countLength(length: number, difference: number): void {
    const count = (this.prefixLengths.get(length) ?? 0) + difference;
    if (count === 0) this.prefixLengths.delete(length);
    else this.prefixLengths.set(length, count);
  }
}

/** Many are not compared one by one: a push in vain costs less than a wait for all others. */
function mayMatch(texts: ReadonlySet<string>, isMatch: (text: string) => boolean): boolean {
  if (texts.size > COMPARED_MAX) return true;
  for (const text of texts) if (isMatch(text)) return true;
  return false;
}

function shareList(
  keys: readonly string[],
  indexes: readonly number[],
  lists: Map<string, readonly string[]>,
): readonly string[] {
  // Indexes grow, so as many of them as there are keys are all of them.
  if (indexes.length === keys.length) return keys;
  const name = indexes.join();
  let list = lists.get(name);
  if (list === undefined) {
    list = indexes.map((index) => keys[index] as string);
    lists.set(name, list);
  }
  return list;
}

function addTo<S>(
  index: Map<string, Set<S>>,
  text: string,
  subscriber: S,
  held: Set<string>,
): void {
  held.add(text);
  const known = index.get(text);
  if (known === undefined) index.set(text, new Set([subscriber]));
  else known.add(subscriber);
}

/** @returns whether nobody has the text any more */
function removeFrom<S>(
  index: Map<string, Set<S>>,
  text: string,
  subscriber: S,
  held: Set<string>,
): boolean {
  if (!held.delete(text)) return false;
  const known = index.get(text);
  if (known === undefined) return false;
  known.delete(subscriber);
  if (known.size === 0) index.delete(text);
  return known.size === 0;
}

/** What every key begins with that the glob matches. */
function literalOf(glob: string): string {
  const at = glob.search(GLOB_SPECIALS);
  return at < 0 ? glob : glob.slice(0, at);
}
