/** W-TinyLFU with its window of miniature simulations, in arrays: what the policy must decide. */

const MASK_64 = (1n << 64n) - 1n;
const KEY_MULTIPLIER = 0x9e37_79b9_7f4a_7c15n;
const SPREAD_MULTIPLIER = 0xd6e8_feb8_6659_fd93n;
const ROWS = 4;
const COUNT_MAX = 15;
const WARM_FREQUENCY = 6;
const CHANCE_SHIFT = 25;
const MOVES_MAX = 2;
const DECAY = 0.9;
const MARGIN = 0.015;
const PERIOD_MIN = 64;

/** Count-min sketch whose counters are halved at once; counters by block, row and index. */
export class SketchModel {
  private readonly counters = new Map<string, number>();
  private readonly blockCount: number;
  private readonly capacity: number;
  private additions = 0;

  constructor(blockCount: number, capacity: number) {
    this.blockCount = blockCount;
    this.capacity = capacity;
  }

  private places(key: number): string[] {
    const product = (BigInt(key) * SPREAD_MULTIPLIER) & MASK_64;
    const bits = product ^ (product >> 32n);
    const block = bits & BigInt(this.blockCount - 1);
    return Array.from({ length: ROWS }, (_, row) => {
      const index = Number((bits >> BigInt(28 + 5 * row)) & 31n);
      return `${block}/${row}/${row === 0 && index < 2 ? index + 2 : index}`;
    });
  }

  add(key: number): void {
    const below = this.places(key).filter((place) => this.count(place) < COUNT_MAX);
    for (const place of below) this.counters.set(place, this.count(place) + 1);
    if (below.length === 0) return;
    this.additions += 1;
    if (this.additions < this.capacity * 10) return;
    const odd = [...this.counters.values()].filter((count) => count % 2 === 1).length;
    for (const [place, count] of this.counters) this.counters.set(place, count >> 1);
    this.additions = Math.floor((this.additions - Math.floor(odd / ROWS)) / 2);
  }

  estimate(key: number): number {
    return Math.min(...this.places(key).map((place) => this.count(place)));
  }

  private count(place: string): number {
    return this.counters.get(place) ?? 0;
  }
}

/** Three queues, each from the oldest to the newest. */
class QueuesModel<Key> {
  window: Key[] = [];
  probation: Key[] = [];
  protectedKeys: Key[] = [];
  readonly capacity: number;
  windowMax: number;
  private readonly admits: (candidate: Key, victim: Key) => boolean;

  constructor(
    capacity: number,
    windowMax: number,
    admits: (candidate: Key, victim: Key) => boolean,
  ) {
    this.capacity = capacity;
    this.windowMax = windowMax;
    this.admits = admits;
  }

  keys(): Key[] {
    return [...this.window, ...this.probation, ...this.protectedKeys];
  }

  delete(key: Key): void {
    for (const queue of [this.window, this.probation, this.protectedKeys]) {
      const index = queue.indexOf(key);
      if (index !== -1) queue.splice(index, 1);
    }
  }

  hit(key: Key, isReplaced = false): void {
    const toWindow = this.window.includes(key) || this.window.length < this.windowMax;
    this.delete(key);
    (toWindow ? this.window : this.protectedKeys).push(key);
    if (!toWindow && !isReplaced) this.demote();
  }

  insert(key: Key): void {
    let candidate: Key | undefined;
    for (let move = 0; move < MOVES_MAX; move++) {
      if (this.window.length < this.windowMax || this.window.length === 0) break;
      candidate = this.window.shift() as Key;
      this.probation.push(candidate);
    }
    this.demote();
    if (this.keys().length >= this.capacity) this.evict(candidate);
    this.window.push(key);
  }

  private demote(): void {
    const most = Math.floor(((this.capacity - this.windowMax) * 4) / 5);
    for (let move = 0; move < MOVES_MAX && this.protectedKeys.length > most; move++) {
      this.probation.push(this.protectedKeys.shift() as Key);
    }
  }

  private evict(candidate: Key | undefined): void {
    const victim = this.probation[0] ?? this.protectedKeys[0];
    if (victim === undefined) this.window.shift();
    else if (candidate === undefined || candidate === victim) this.delete(victim);
    else this.delete(this.admits(candidate, victim) ? victim : candidate);
  }
}

function windowOf(size: number, entries: number): number {
  const sizes = [
    Math.floor((entries + 5) / 10),
    entries - Math.floor((entries * 99) / 100),
    Math.floor((entries + 2) / 4),
    entries,
  ];
  return Math.max(1, sizes[size] as number);
}

export interface TinyLfuModelSettings {
  readonly capacity: number;
  readonly blockCount: number;
  hashOf(key: string): bigint;
}

/** A cache of so few entries that the simulations see every key. */
export class TinyLfuModel {
  private readonly sketch: SketchModel;
  private readonly cache: QueuesModel<string>;
  private readonly shadows: readonly QueuesModel<number>[];
  private readonly scores: number[] = [0, 0, 0];
  private hits: number[] = [0, 0, 0];
  private scored = 0;
  private accesses = 0;
  private random = 0x9e37_79b9;
  private readonly settings: TinyLfuModelSettings;
  /** 0 = none chosen yet. */
  windowSize = 0;

  constructor(settings: TinyLfuModelSettings) {
    const { capacity } = settings;
    this.settings = settings;
    this.sketch = new SketchModel(settings.blockCount, capacity);
    const isMore = (candidate: number, victim: number): boolean =>
      this.sketch.estimate(candidate) > this.sketch.estimate(victim) + 1;
    this.cache = new QueuesModel(capacity, windowOf(0, capacity), (candidate, victim) => {
      const wanted = this.keyOf(candidate);
      if (isMore(wanted, this.keyOf(victim))) return true;
      return this.sketch.estimate(wanted) >= WARM_FREQUENCY && this.isLucky();
    });
    this.shadows = [1, 2, 3].map(
      (size) => new QueuesModel<number>(capacity, windowOf(size, capacity), isMore),
    );
  }

  keys(): string[] {
    return this.cache.keys();
  }

  get(key: string): boolean {
    if (!this.keys().includes(key)) return false;
    this.count(key);
    this.cache.hit(key);
    return true;
  }

  set(key: string): void {
    this.count(key);
    if (this.keys().includes(key)) this.cache.hit(key, true);
    else this.cache.insert(key);
  }

  delete(key: string): void {
    this.cache.delete(key);
  }

  private keyOf(key: string): number {
    return Number(((this.settings.hashOf(key) * KEY_MULTIPLIER) & MASK_64) >> 32n);
  }

  private count(name: string): void {
    const key = this.keyOf(name);
    this.sketch.add(key);
    this.shadows.forEach((shadow, index) => {
      if (shadow.keys().includes(key)) {
        shadow.hit(key);
        this.hits[index] = (this.hits[index] ?? 0) + 1;
      } else shadow.insert(key);
    });
    this.accesses += 1;
    if (this.accesses >= Math.max(PERIOD_MIN, 3 * this.settings.capacity)) this.endPeriod();
  }

  private endPeriod(): void {
    this.scored = this.scored * DECAY + this.accesses;
    this.scores.forEach((score, index) => {
      this.scores[index] = score * DECAY + (this.hits[index] ?? 0);
    });
    const best = this.scores.indexOf(Math.max(...this.scores));
    const present =
      this.windowSize === 0
        ? Math.min(...this.scores)
        : (this.scores[this.windowSize - 1] as number);
    if ((this.scores[best] as number) > present + MARGIN * this.scored) this.windowSize = best + 1;
    this.cache.windowMax = windowOf(this.windowSize, this.settings.capacity);
    this.hits = [0, 0, 0];
    this.accesses = 0;
  }

  private isLucky(): boolean {
    let state = this.random;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.random = state >>> 0;
    return this.random >>> CHANCE_SHIFT === 0;
  }
}
