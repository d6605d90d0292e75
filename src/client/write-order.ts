/**
 * Keeps what one client does with a key in the order of its calls, whatever carries it and however
 * often it is tried: a write waits for earlier writes to its keys, a read for earlier writes to its
 * own. Two writes without an order could be applied the wrong way round by a late second try.
 */
export class WriteOrder {
  /** The last write to each key that has one under way; never rejects. */
  private readonly lastWrites = new Map<string, Promise<void>>();
  /** The last write to all keys at once, such as an invalidation by prefix. */
  private lastSweep: Promise<void> | undefined;

  /** What a read of the key must wait for. */
  before(key: string): Promise<void> | undefined {
    return this.lastWrites.get(key) ?? this.lastSweep;
  }

  /** Runs a write to some keys once those before it have ended. */
  write<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    const earlier = new Set<Promise<void>>();
    for (const key of keys) {
      const last = this.before(key);
      if (last !== undefined) earlier.add(last);
    }
    const result = afterAll(earlier, task);
    const ended = result.then(ignore, ignore);
    for (const key of keys) {
      this.lastWrites.set(key, ended);
    }
    ended.then(() => {
      for (const key of keys) {
        if (this.lastWrites.get(key) === ended) this.lastWrites.delete(key);
      }
    });
    return result;
  }

  /** Runs a write to any keys once all before it have ended; later ones wait for it. */
  sweep<T>(task: () => Promise<T>): Promise<T> {
    const earlier = new Set(this.lastWrites.values());
    if (this.lastSweep !== undefined) earlier.add(this.lastSweep);
    const result = afterAll(earlier, task);
    const ended = result.then(ignore, ignore);
    // Each of them is waited for by the sweep, so whoever waits for the sweep waits for them too.
    this.lastWrites.clear();
    this.lastSweep = ended;
    ended.then(() => {
      if (this.lastSweep === ended) this.lastSweep = undefined;
    });
    return result;
  }
}

function afterAll<T>(earlier: ReadonlySet<Promise<void>>, task: () => Promise<T>): Promise<T> {
  return earlier.size === 0 ? task() : Promise.all(earlier).then(task);
}

function ignore(): undefined {
  return undefined;
}
