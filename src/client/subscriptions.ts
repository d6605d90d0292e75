import { callListener } from './event-list.js';
import type { Frame } from './frame-codec.js';
import type { Selection } from './operations.js';

/** What a subscriber is told. It may be told of more than it asked for, never of less. */
export type Invalidation =
  | { readonly kind: 'keys'; readonly namespace: string; readonly keys: readonly string[] }
  /** Whatever a prefix, a glob or a tag names was removed. */
  | {
      readonly kind: 'prefix' | 'glob' | 'tag';
      readonly namespace: string;
      readonly text: string;
    }
  /** Changes may have been missed: everything is in doubt. */
  | { readonly kind: 'resync'; readonly reason: 'slow' | 'gap' | 'reconnected' };

interface Subscriber {
  readonly namespace: string;
  readonly selection: Selection;
  readonly listener: (invalidation: Invalidation) => void;
}

/** The change that a pushed frame tells of; `undefined` for a kind that is not known. */
export function readPush(frame: Frame): Invalidation | undefined {
  const { event, namespace } = frame;
  if (event === 'resync') {
    return { kind: 'resync', reason: frame['reason'] === 'slow' ? 'slow' : 'gap' };
  }
  if (event !== 'invalidate' || typeof namespace !== 'string') return undefined;
  const { keys } = frame;
  if (Array.isArray(keys)) return { kind: 'keys', namespace, keys: keys.map(String) };
  for (const kind of ['prefix', 'glob', 'tag'] as const) {
    const text = frame[kind];
    if (typeof text === 'string') return { kind, namespace, text };
  }
  return undefined;
}

/** Who wants to hear of which changes. */
export class Subscriptions {
  private readonly subscribers = new Set<Subscriber>();

  add(subscriber: Subscriber): void {
    this.subscribers.add(subscriber);
  }

  /** What nobody else wants to hear of any more is given back, to be unsubscribed. */
  remove(subscriber: Subscriber): Selection {
    this.subscribers.delete(subscriber);
    const others = this.wanted(subscriber.namespace);
    const { keys = [], prefixes = [], tags = [], all } = subscriber.selection;
    const isUnwanted = (names: readonly string[] | undefined) => (name: string) =>
      names?.includes(name) !== true;
    return compact({
      keys: keys.filter(isUnwanted(others.keys)),
      prefixes: prefixes.filter(isUnwanted(others.prefixes)),
      tags: tags.filter(isUnwanted(others.tags)),
      all: others.all === true ? undefined : all,
    });
  }

  /** The namespaces that anybody wants to hear of. */
  get namespaces(): ReadonlySet<string> {
    return new Set([...this.subscribers].map(({ namespace }) => namespace));
  }

  /** Everything that anybody wants to hear of in the namespace, each name once. */
  wanted(namespace: string): Selection {
    const keys = new Set<string>();
    const prefixes = new Set<string>();
    const tags = new Set<string>();
    let all: true | undefined;
    for (const subscriber of this.subscribers) {
      if (subscriber.namespace !== namespace) continue;
      const { selection } = subscriber;
      for (const key of selection.keys ?? []) keys.add(key);
      for (const prefix of selection.prefixes ?? []) prefixes.add(prefix);
      for (const tag of selection.tags ?? []) tags.add(tag);
      all ??= selection.all;
    }
    return compact({ keys: [...keys], prefixes: [...prefixes], tags: [...tags], all });
  }

  tell(invalidation: Invalidation): void {
    for (const { namespace, selection, listener } of [...this.subscribers]) {
      if (invalidation.kind === 'resync') callListener(listener, invalidation);
      if (invalidation.kind === 'resync' || invalidation.namespace !== namespace) continue;
      const share = shareOf(invalidation, selection);
      if (share !== undefined) callListener(listener, share);
    }
  }
}

/** The part of a change that may concern the selection. */
function shareOf(
  invalidation: Exclude<Invalidation, { kind: 'resync' }>,
  selection: Selection,
): Invalidation | undefined {
  const { keys = [], prefixes = [], tags = [], all } = selection;
  // Which tags the keys of a push have is not told: those who ask for tags get all of them.
  if (all === true || tags.length > 0) return invalidation;
  switch (invalidation.kind) {
    case 'keys': {
      const concerned = invalidation.keys.filter(
        (key) => keys.includes(key) || prefixes.some((prefix) => key.startsWith(prefix)),
      );
      return concerned.length === 0 ? undefined : { ...invalidation, keys: concerned };
    }
    case 'prefix': {
      const { text } = invalidation;
      const isConcerned =
        keys.some((key) => key.startsWith(text)) ||
        prefixes.some((prefix) => prefix.startsWith(text) || text.startsWith(prefix));
      return isConcerned ? invalidation : undefined;
    }
    case 'glob':
    case 'tag':
      return invalidation;
  }
}

function compact(selection: {
  readonly keys: readonly string[];
  readonly prefixes: readonly string[];
  readonly tags: readonly string[];
  readonly all: true | undefined;
}): Selection {
  const { keys, prefixes, tags, all } = selection;
  return {
    ...(keys.length > 0 && { keys }),
    ...(prefixes.length > 0 && { prefixes }),
    ...(tags.length > 0 && { tags }),
    ...(all === true && { all }),
  };
}

/** Whether it names nothing. */
export function isEmpty(selection: Selection): boolean {
  return Object.keys(selection).length === 0;
}
