/** S3-FIFO in arrays: what the policy must decide, request by request. */

const HITS_MAX = 3;
const PROMOTING_HITS = 2;
const FINGERPRINT_SHIFT = 32n;
/** Ghosts that one block of the filter has room for. */
const BLOCK_GHOSTS = 16;
/** So few ghosts have a unit each; the oldest unit ends when this many came after it. */
const UNITS = 128;

/** What the filter knows of a key, and when the ghost was made. */
interface Ghost {
  readonly block: bigint;
  readonly fingerprint: bigint;
  readonly unit: number;
}

interface Entry {
  readonly key: string;
  hits: number;
}

export interface S3FifoModelSettings {
  readonly capacity: number;
  /** Blocks of the ghosts' filter. */
  readonly blockCount: number;
  hashOf(key: string): bigint;
}

export class S3FifoModel {
  /** Oldest first. */
  private small: Entry[] = [];
  private main: Entry[] = [];
  /** Oldest first. */
  private ghosts: Ghost[] = [];
  private unit = 0;
  private readonly settings: S3FifoModelSettings;

  constructor(settings: S3FifoModelSettings) {
    this.settings = settings;
  }

  keys(): string[] {
    return [...this.small, ...this.main].map(({ key }) => key);
  }

  get(key: string): boolean {
    const entry = this.find(key);
    if (entry === undefined) return false;
    entry.hits = Math.min(HITS_MAX, entry.hits + 1);
    return true;
  }

  set(key: string): void {
    const entry = this.find(key);
    if (entry === undefined) this.insert(key);
    else this.replace(entry);
  }

  delete(key: string): void {
    this.small = this.small.filter((entry) => entry.key !== key);
    this.main = this.main.filter((entry) => entry.key !== key);
  }

  private find(key: string): Entry | undefined {
    return [...this.small, ...this.main].find((entry) => entry.key === key);
  }

  /** A new value is a hit, and the newest of its queue. */
  private replace(entry: Entry): void {
    const queue = this.small.includes(entry) ? this.small : this.main;
    queue.splice(queue.indexOf(entry), 1);
    queue.push({ key: entry.key, hits: Math.min(HITS_MAX, entry.hits + 1) });
  }

  private insert(key: string): void {
    const sought = this.ghostOf(key);
    const ghost = this.ghosts.findIndex(
      ({ block, fingerprint }) => block === sought.block && fingerprint === sought.fingerprint,
    );
    if (ghost !== -1) this.ghosts.splice(ghost, 1);
    if (this.small.length + this.main.length >= this.settings.capacity) this.evict();
    (ghost === -1 ? this.small : this.main).push({ key, hits: 0 });
  }

  private evict(): void {
    const { capacity } = this.settings;
    const mainMax = capacity - Math.max(1, Math.floor(capacity / 10));
    if (this.main.length <= mainMax && this.evictSmall()) return;
    for (;;) {
      const entry = this.main.shift();
      if (entry === undefined || entry.hits === 0) return;
      this.main.push({ key: entry.key, hits: entry.hits - 1 });
    }
  }

  private evictSmall(): boolean {
    for (;;) {
      const entry = this.small.shift();
      if (entry === undefined) return false;
      if (entry.hits < PROMOTING_HITS) {
        this.addGhost(entry.key);
        return true;
      }
      this.main.push({ key: entry.key, hits: 0 });
    }
  }

  /** A full block gives up its oldest ghost; then the oldest of all go. */
  private addGhost(key: string): void {
    this.unit += 1;
    const added = this.ghostOf(key);
    const inBlock = this.ghosts.filter(({ block }) => block === added.block);
    const [oldest] = inBlock;
    if (inBlock.length >= BLOCK_GHOSTS) this.ghosts = this.ghosts.filter((one) => one !== oldest);
    this.ghosts.push(added);
    const most = Math.max(1, Math.floor((this.settings.capacity * 9) / 10));
    if (this.ghosts.length > most) this.ghosts.shift();
    this.ghosts = this.ghosts.filter(({ unit }) => unit > this.unit - UNITS);
  }

  private ghostOf(key: string): Ghost {
    const hash = this.settings.hashOf(key);
    const fingerprint = (hash >> FINGERPRINT_SHIFT) & 0xffffn;
    return {
      block: hash & BigInt(this.settings.blockCount - 1),
      fingerprint: fingerprint === 0n ? 1n : fingerprint,
      unit: this.unit,
    };
  }
}
