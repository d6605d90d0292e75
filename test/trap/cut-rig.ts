/**
 * Cuts a command off after each of its stores, as a thread that ends there, and looks at what the
 * others then find; then recovers the shard, which may be cut off as well. By the core's build that
 * traps, beside a normal core over the same memory.
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
import type { Prng } from '../support/prng.js';

const KIB = 1_024;
const STORES_MAX = 1_000_000;
const SHARD = 0;
/** All there is to know, without a touch. */
const READ_QUIETLY = READ_VALUE | READ_META;
const BUSY_READS_MAX = 3;
/** Work of a slice here, so that even a tiny shard takes several. */
const SLICE_UNITS = 60;
const SLICES_MAX = 10_000;

/** A command that is to be cut off; `scenarios.ts` has the table of all. */
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
type Readings = ReadonlyMap<string, Reading>;

export class CutRig {
  readonly arena: CoreArena;
  /** The thread that is cut off. */
  readonly victim: CoreThread;
  /** Recovers what the victim held, and may be cut off in doing so. */
  readonly rescuer: CoreThread;
  readonly survivor: CoreThread;
  /** Every key that a scenario uses. */
  readonly keys = new Set<string>();
  private serial = 0;

  constructor(options: CoreArenaOptions = {}) {
    this.arena = new CoreArena({ limitBytes: 256 * KIB, threadSlotCount: 4, ...options });
    this.victim = this.arena.attach('core-trap');
    this.survivor = this.arena.attach();
    this.rescuer = this.arena.attach('core-trap');
    for (const thread of [this.victim, this.rescuer, this.survivor]) {
      thread.core.boundSlices(SLICE_UNITS);
    }
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
    this.survivor.core.unpin();
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
      const isLarge = kind === PAGE_LARGE_HEAD || kind === PAGE_LARGE_MEMBER;
      if (isLarge || kind === PAGE_STAGED) count += 1;
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

/** What a scenario is like before its command and after it, and where it can be cut. */
class CutCase {
  readonly rig: CutRig;
  readonly stores: number;
  private readonly scenario: Scenario;
  private readonly start: CoreSnapshot;
  private readonly before: Readings;
  private readonly after: Readings;

  constructor(scenario: Scenario) {
    const rig = new CutRig(scenario.options);
    this.rig = rig;
    this.scenario = scenario;
    scenario.prepare(rig);
    rig.expectSound('before the command');
    this.start = rig.arena.snapshot();
    this.before = rig.readAll();
    this.stores = countStores(rig.victim, () => scenario.run(rig));
    this.after = rig.readAll();
    if (scenario.proves?.(rig) === false) throw new Error('the scenario does not do what it says');
  }

  /** Runs the command up to its n-th store. */
  cutAt(stores: number): void {
    const { rig } = this;
    rig.arena.restore(this.start);
    for (const thread of [rig.victim, rig.survivor, rig.rescuer]) thread.answers.length = 0;
    if (!isCut(rig.victim, stores, () => this.scenario.run(rig))) {
      throw new Error('the command went on to its end');
    }
  }

  /** Each key is as before the command or as after it; busy only where its stripe is odd. */
  expectReadable(when: string, mayBeBusy = false): void {
    const { rig } = this;
    let busyCount = 0;
    for (const key of rig.keys) {
      const isOdd = rig.isOdd(key);
      if (isOdd && !mayBeBusy) throw new Error(`${when}: the stripe of ${key} is odd`);
      // A busy read waits for milliseconds: a few of one stripe tell enough.
      if (busyCount >= BUSY_READS_MAX && isOdd) continue;
      const reading = rig.survivor.get(key, 0, READ_QUIETLY);
      if (reading === STATUS_BUSY) {
        busyCount += 1;
        if (!rig.isHeld || !isOdd) throw new Error(`${when}: ${key} is busy without need`);
      } else if (!isSame(reading, this.before.get(key)) && !isSame(reading, this.after.get(key))) {
        const shown = typeof reading === 'number' ? reading : `${reading.value.length} bytes`;
        throw new Error(`${when}: ${key} is neither as before nor as after: ${shown}`);
      }
    }
    // What a thread has pinned stays its own over a recovery; nothing is pinned here.
    rig.survivor.core.unpin();
  }

  /** Recovers the shard from a thread that held it; everything is readable at every moment. */
  recover(by: CoreThread, holder: number): void {
    if (!by.recoverReads(SHARD, holder)) throw new Error('the holder does not hold the shard');
    this.expectReadable('after the first step');
    for (let slices = 1; slices <= SLICES_MAX; slices++) {
      const answer = by.core.recoverSlice(SHARD);
      if (answer < 0) throw new Error('the shard is not recovered by this thread');
      if (answer === 0) {
        this.expectRecovered();
        return;
      }
      if (slices % 29 === 1) this.expectReadable(`after slice ${slices}`);
    }
    throw new Error(`the recovery did not end after ${SLICES_MAX} slices`);
  }

  expectRecovered(): void {
    if (this.rig.isHeld) throw new Error('the shard is still held');
    this.rig.expectSound('after the recovery');
    this.expectReadable('after the recovery');
  }
}

/** Runs an action of the trap build until its n-th store; whether it was cut off. */
export function isCut(thread: CoreThread, stores: number, action: () => void): boolean {
  thread.core.trapAfterStores(stores);
  try {
    action();
    return false;
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    return true;
  } finally {
    thread.core.trapAfterStores(0);
  }
}

/** Stores of an action when nothing stops it. */
function countStores(thread: CoreThread, action: () => void): number {
  thread.core.trapAfterStores(STORES_MAX);
  action();
  const stores = STORES_MAX - thread.core.storesUntilTrap();
  thread.core.trapAfterStores(0);
  return stores;
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

/** The victim is gone: nothing of it is left once its slot was given back. */
function expectNothingLeft(rig: CutRig): void {
  rig.survivor.detach(rig.victim.id);
  rig.expectSound('after the detachment');
  rig.removeEverything(rig.survivor);
  rig.survivor.collect();
  const left = rig.occupied();
  if (left > 0) throw new Error(`${left} chunks or pages of the dead thread were lost`);
  const rings = rig.arena.countPages(PAGE_RING);
  if (rings !== 2) throw new Error(`${rings} ring pages are left of two threads`);
}

function atStore<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new Error(`${what}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Cuts the scenario's command at every store: by turns its thread ends there, or it lives on and
 * recovers its own shard. The number of stores.
 */
export function cutEverywhere(scenario: Scenario): number {
  const cut = new CutCase(scenario);
  const { rig, stores } = cut;
  for (let n = 1; n <= stores; n++) {
    atStore(`store ${n} of ${stores}`, () => {
      cut.cutAt(n);
      const findings = rig.arena.verifyReachable();
      if (findings.length > 0) throw new Error(findings.join('; '));
      cut.expectReadable('after the cut', true);
      const isDead = n % 2 === 0;
      if (rig.isHeld) cut.recover(isDead ? rig.survivor : rig.victim, rig.victim.id);
      rig.expectSound('not held');
      expectUsable(rig, isDead ? rig.survivor : rig.victim);
      if (isDead) expectNothingLeft(rig);
    });
  }
  return stores;
}

/** One cut of a command and one of its recovery; false when the command does not hold the shard. */
function cutTwice(cut: CutCase, n: number, m: number, isRescuerDead: boolean): boolean {
  const { rig } = cut;
  cut.cutAt(n);
  if (!rig.isHeld) return false;
  const isHalf = isCut(rig.rescuer, m, () => rig.rescuer.recover(SHARD, rig.victim.id));
  cut.expectReadable('after the second cut', true);
  if (rig.isHeld) {
    const holder = isHalf && !isHeldBy(rig, rig.victim) ? rig.rescuer : rig.victim;
    cut.recover(isRescuerDead ? rig.survivor : rig.rescuer, holder.id);
  } else {
    cut.expectRecovered();
  }
  expectUsable(rig, rig.survivor);
  if (isRescuerDead) {
    rig.survivor.detach(rig.rescuer.id);
    rig.arena.impersonate(rig.rescuer.id).core.attachThread(0, 0, 1);
  }
  expectNothingLeft(rig);
  return isHalf;
}

function isHeldBy(rig: CutRig, thread: CoreThread): boolean {
  return (rig.arena.shardU32(SHARD, SHARD_OWNER) & 127) - 1 === thread.id;
}

/** Stores of a recovery after a cut at the n-th store. */
function storesOfRecovery(cut: CutCase, n: number): number {
  const { rig } = cut;
  cut.cutAt(n);
  if (!rig.isHeld) return 0;
  return countStores(rig.rescuer, () => rig.rescuer.recover(SHARD, rig.victim.id));
}

/** Cuts the command at random stores, and its recovery at random stores. */
export function cutRecoveries(scenario: Scenario, prng: Prng, times: number): void {
  const cut = new CutCase(scenario);
  for (let time = 0; time < times; time++) {
    const n = 1 + prng.nextBelow(cut.stores);
    const stores = storesOfRecovery(cut, n);
    if (stores === 0) continue;
    const m = 1 + prng.nextBelow(stores);
    atStore(`store ${n}, then ${m} of ${stores}`, () => cutTwice(cut, n, m, time % 2 === 0));
  }
}

/**
 * Cuts the recovery at every store, or at `timesMax` of them spread evenly, after one cut of the
 * command. The number of stores.
 */
export function cutWholeRecovery(scenario: Scenario, share: number, timesMax: number): number {
  const cut = new CutCase(scenario);
  const n = Math.ceil(cut.stores * share);
  const stores = storesOfRecovery(cut, n);
  const stride = Math.ceil(stores / timesMax);
  for (let m = 1 + (n % stride); m <= stores; m += stride) {
    atStore(`store ${n}, then ${m} of ${stores}`, () => cutTwice(cut, n, m, m % 2 === 0));
  }
  return stores;
}
