/**
 * Cuts a command off after each of its stores, as a thread that dies there, and looks at what the
 * others then find: by the core's build that traps, beside a normal core over the same memory.
 */
import {
  HEADER_CLASS_CHUNKS,
  HEADER_CLASS_STRIDES,
  ITEM_STATE,
  PAGE_LARGE_HEAD,
  PAGE_LARGE_MEMBER,
  PAGE_RING,
  PAGE_SLAB,
  PAGE_STAGED,
  PAGE_STATE,
  SHARD_OWNER,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_BUSY, STATUS_OK } from '../../native-free-core/status.js';
import { CoreArena, type CoreArenaOptions, type CoreSnapshot } from '../support/core-arena.js';
import {
  type Bytes,
  type CommandOptions,
  type CoreThread,
  type Entry,
  READ_META,
  READ_VALUE,
} from '../support/core-thread.js';

const KIB = 1_024;
const STORES_MAX = 1_000_000;
const SHARD = 0;
/** All there is to know, without a touch. */
const READ_QUIETLY = READ_VALUE | READ_META;
const BUSY_READS_MAX = 3;
/** Thread of pages that are set aside. */
const SET_ASIDE = 255;

export interface Scenario {
  readonly name: string;
  readonly options?: CoreArenaOptions;
  /** What the arena holds before the command. */
  prepare(rig: CutRig): void;
  /** The command, given by `rig.victim`. */
  run(rig: CutRig): void;
  /** Whether the command, when nothing stopped it, did what the scenario is about. */
  proves?(rig: CutRig): boolean;
}

/** What one key gave: an entry, or the status of the read. */
type Reading = Entry | number;

export class CutRig {
  readonly arena: CoreArena;
  /** The thread that is cut off. */
  readonly victim: CoreThread;
  readonly survivor: CoreThread;
  /** Every key that a scenario uses. */
  readonly keys = new Set<string>();
  private serial = 0;

  constructor(options: CoreArenaOptions = {}) {
    this.arena = new CoreArena({ limitBytes: 256 * KIB, threadSlotCount: 3, ...options });
    this.victim = this.arena.attach('core-trap');
    this.survivor = this.arena.attach();
  }

  /** Sets a key by the thread that survives; the value differs from all others. */
  put(key: string, valueBytes: number, options: CommandOptions = {}): void {
    this.keys.add(key);
    const { status } = this.survivor.set(key, this.value(valueBytes), options);
    if (status !== STATUS_OK) throw new Error(`preparing ${key} answered ${status}`);
  }

  value(valueBytes: number): Uint8Array {
    this.serial += 1;
    const value = new Uint8Array(valueBytes);
    for (let i = 0; i < valueBytes; i++) value[i] = this.serial * 17 + i * 3;
    return value;
  }

  /** Keys whose hashes agree in the low bits that name their first bucket. */
  collidingKeys(count: number): string[] {
    const mask = BigInt(this.arena.plan.stripeCount - 1);
    const keys: string[] = [];
    for (let i = 0; keys.length < count; i++) {
      const key = `collide-${i}`;
      if ((this.survivor.hashOf(key) & mask) === 0n) keys.push(key);
    }
    for (const key of keys) this.keys.add(key);
    return keys;
  }

  get isHeld(): boolean {
    return this.arena.shardU32(SHARD, SHARD_OWNER) !== 0;
  }

  isOdd(key: string): boolean {
    const address = this.arena.stripeAddress(SHARD, this.survivor.hashOf(key));
    return (this.arena.view.getUint32(address, true) & 1) === 1;
  }

  readAll(): Map<string, Reading> {
    const readings = new Map<string, Reading>();
    for (const key of this.keys) readings.set(key, this.survivor.get(key, 0, READ_QUIETLY));
    return readings;
  }

  expectSound(when: string): void {
    const findings = this.arena.verify();
    if (findings.length > 0) throw new Error(`${when}: ${findings.join('; ')}`);
  }

  /** Chunks and pages that hold an item or wait for one, whoever knows of them. */
  occupied(): number {
    const { arena } = this;
    let count = 0;
    for (let page = 0; page < arena.plan.pageCount; page++) {
      const kind = arena.pageKind(page);
      const state = arena.view.getUint32(arena.pageEntry(page) + PAGE_STATE, true);
      // What a reset sets aside, because somebody may still read it, is lost on purpose.
      const isStaged = kind === PAGE_STAGED && (state & 255) !== SET_ASIDE;
      if (kind === PAGE_LARGE_HEAD || kind === PAGE_LARGE_MEMBER || isStaged) count += 1;
      if (kind !== PAGE_SLAB) continue;
      const sizeClass = (state >> 16) & 255;
      const stride = arena.view.getUint32(HEADER_CLASS_STRIDES + sizeClass * 4, true);
      const chunks = arena.view.getUint32(HEADER_CLASS_CHUNKS + sizeClass * 4, true);
      for (let i = 0; i < chunks; i++) {
        const item = arena.pageAddress(page) + i * stride;
        if (arena.view.getUint32(item + ITEM_STATE, true) !== 0) count += 1;
      }
    }
    return count;
  }

  removeEverything(by: CoreThread): void {
    for (const key of this.keys) by.remove(key);
    by.serve();
  }
}

function isSame(a: Reading, b: Reading | undefined): boolean {
  if (typeof a === 'number' || typeof b === 'number' || b === undefined) return a === b;
  return (
    Buffer.compare(a.value, b.value) === 0 &&
    a.expiryMs === b.expiryMs &&
    a.createdMs === b.createdMs &&
    a.contentType === b.contentType &&
    a.encoding === b.encoding
  );
}

/** Each key is as before the command or as after it; busy only where its stripe is odd. */
function expectReadable(
  rig: CutRig,
  before: ReadonlyMap<string, Reading>,
  after: ReadonlyMap<string, Reading>,
): void {
  let busyCount = 0;
  for (const key of rig.keys) {
    // A busy read waits for milliseconds: a few of one stripe tell enough.
    if (busyCount >= BUSY_READS_MAX && rig.isOdd(key)) continue;
    const reading = rig.survivor.get(key, 0, READ_QUIETLY);
    if (reading === STATUS_BUSY) {
      busyCount += 1;
      if (!rig.isHeld || !rig.isOdd(key)) throw new Error(`${key} is busy without need`);
    } else if (!isSame(reading, before.get(key)) && !isSame(reading, after.get(key))) {
      const shown = typeof reading === 'number' ? reading : `${reading.value.length} bytes`;
      throw new Error(`${key} is neither as before nor as after: ${shown}`);
    }
  }
  // What a thread has pinned stays its own over a reset; nothing is pinned here.
  rig.survivor.core.unpin();
}

/** The shard works again for a thread: what it sets it reads. */
function expectUsable(rig: CutRig, by: CoreThread): void {
  const [first] = rig.keys;
  const keys: Bytes[] = ['key of its own', first ?? 'another key'];
  for (const key of keys) {
    for (const valueBytes of [30, 3_000]) {
      const value = rig.value(valueBytes);
      const { status } = by.set(key, value, { ttlMs: 10_000 });
      if (status !== STATUS_OK) throw new Error(`set after the recovery answered ${status}`);
      const entry = rig.survivor.get(key);
      if (typeof entry === 'number' || Buffer.compare(entry.value, value) !== 0) {
        throw new Error('a value set after the recovery was not read');
      }
    }
    by.remove(key);
  }
  rig.expectSound('after use');
}

/** The thread is gone: another recovers its shard and gives its slot back. */
function recoverAsSurvivor(rig: CutRig): void {
  const wasHeld = rig.isHeld;
  const reset = rig.survivor.recover(SHARD, rig.victim.id);
  if (reset !== wasHeld) throw new Error(`a held shard was ${reset ? '' : 'not '}reset`);
  rig.expectSound('after the reset');
  expectUsable(rig, rig.survivor);
  rig.survivor.detach(rig.victim.id);
  rig.expectSound('after the detachment');
  rig.removeEverything(rig.survivor);
  rig.survivor.collect();
  const left = rig.occupied();
  if (left > 0) throw new Error(`${left} chunks or pages of the dead thread were lost`);
  const rings = rig.arena.countPages(PAGE_RING);
  if (rings !== 1) throw new Error(`${rings} ring pages are left of one thread`);
}

/** The thread lives on, after a stack overflow, say: it recovers its own shard. */
function recoverAsVictim(rig: CutRig): void {
  rig.victim.core.trapAfterStores(0);
  if (rig.isHeld && !rig.victim.recover(SHARD, rig.victim.id)) {
    throw new Error('a thread could not reset the shard that it holds');
  }
  rig.expectSound('after the reset');
  expectUsable(rig, rig.victim);
}

function cutAt(rig: CutRig, start: CoreSnapshot, scenario: Scenario, stores: number): void {
  rig.arena.restore(start);
  rig.victim.answers.length = 0;
  rig.survivor.answers.length = 0;
  rig.victim.core.trapAfterStores(stores);
  let trapped = false;
  try {
    scenario.run(rig);
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    trapped = true;
  }
  rig.victim.core.trapAfterStores(0);
  if (!trapped) throw new Error('the command went on to its end');
}

/** Stores of the command when nothing stops it. */
function countStores(rig: CutRig, scenario: Scenario): number {
  rig.victim.core.trapAfterStores(STORES_MAX);
  scenario.run(rig);
  const stores = STORES_MAX - rig.victim.core.storesUntilTrap();
  rig.victim.core.trapAfterStores(0);
  return stores;
}

/** Cuts the scenario's command at every store; the number of stores. */
export function cutEverywhere(scenario: Scenario): number {
  const rig = new CutRig(scenario.options);
  scenario.prepare(rig);
  rig.expectSound('before the command');
  const start = rig.arena.snapshot();
  const before = rig.readAll();
  const stores = countStores(rig, scenario);
  const after = rig.readAll();
  if (scenario.proves?.(rig) === false) throw new Error('the scenario does not do what it says');
  for (let n = 1; n <= stores; n++) {
    try {
      cutAt(rig, start, scenario, n);
      const findings = rig.arena.verifyReachable();
      if (findings.length > 0) throw new Error(findings.join('; '));
      expectReadable(rig, before, after);
      if (!rig.isHeld) rig.expectSound('not held');
      if (n % 2 === 0) recoverAsSurvivor(rig);
      else recoverAsVictim(rig);
    } catch (cause) {
      const message = `store ${n} of ${stores}: ${(cause as Error).message}`;
      throw new Error(message, { cause });
    }
  }
  return stores;
}
