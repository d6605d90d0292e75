/** Leases of the core beside a naive model: three threads, one shard, two namespaces. */
import { expect } from 'vitest';
import {
  FLAG_ONLY_ABSENT,
  LEASE_EMPTY,
  LEASE_FAILED,
  LEASE_FILLED,
  LEASE_RELEASED,
  LEASE_VOIDED,
  SHARD_LEASES_ACTIVE,
  SHARD_LEASES_GRANTED,
  SHARD_LEASES_REFUSED,
} from '../../native-free-core/assembly/layout.js';
import {
  STATUS_MISS,
  STATUS_NO_LEASE,
  STATUS_OK,
  STATUS_PRESENT,
  STATUS_REFUSED,
  STATUS_WAIT,
} from '../../native-free-core/status.js';
import { CoreArena } from '../support/core-arena.js';
import { CoreLeases, type LeaseAnswer } from '../support/core-leases.js';

const THREADS = 3;

/** Every lease that was ever granted, with what the model knows of it. */
interface Grant {
  readonly id: string;
  readonly key: string;
  readonly space: number;
  readonly holder: number;
  readonly expiresMs: number;
  readonly answer: LeaseAnswer;
  /** How it ended; 0 = it has not. */
  outcome: number;
}

export class LeaseRig {
  readonly arena: CoreArena;
  private readonly threads: CoreLeases[];
  private readonly entries = new Map<string, string>();
  private readonly granted = new Map<string, Grant>();
  private readonly grants: Grant[] = [];
  private refused = 0;
  private serial = 0;
  private lastToken = 0;

  constructor(leasesMax: 'few' | 'many') {
    // Tables of 15 leases each; keys are fewer than four tables hold, or more.
    this.arena = new CoreArena({ threadSlotCount: THREADS, pageBytes: 4_096 });
    this.threads = Array.from({ length: THREADS }, () => this.attach());
    this.thread(0).thread.registerNamespace('');
    this.thread(0).thread.registerNamespace('second');
    if (leasesMax === 'few') this.crowd();
  }

  private attach(): CoreLeases {
    return new CoreLeases(this.arena, this.arena.attach());
  }

  private thread(index: number): CoreLeases {
    return this.threads[index] as CoreLeases;
  }

  /** Leases of keys that are never touched again: little room is left. */
  private crowd(): void {
    for (let i = 0; i < 57; i++) this.ask(0, 0, `crowd ${i}`, 1e9);
  }

  ask(by: number, space: number, key: string, leaseMs: number): void {
    const id = `${space}/${key}`;
    const nowMs = this.arena.clock.nowMs();
    const answer = this.thread(by).ask(key, { namespaceId: space, ttlMs: leaseMs });
    const other = this.granted.get(id);
    if (this.entries.has(id)) {
      expect(answer.status).toBe(STATUS_PRESENT);
      return;
    }
    if (other !== undefined && other.expiresMs > nowMs) {
      expect(answer).toEqual({ ...other.answer, status: STATUS_WAIT, token: 0 });
      return;
    }
    if (other !== undefined) this.end(other, LEASE_VOIDED);
    if (answer.status === STATUS_NO_LEASE) {
      // Some that were over may have been ended to make room, but there was none.
      expect(this.granted.size).toBe(60);
      for (const grant of this.granted.values()) expect(grant.expiresMs).toBeGreaterThan(nowMs);
      return;
    }
    expect(answer.status).toBe(STATUS_OK);
    expect(answer.token).toBeGreaterThan(this.lastToken);
    this.lastToken = answer.token;
    // Where no record was free, leases whose time is over were ended, which of them is the core's.
    for (const grant of [...this.granted.values()]) {
      if (grant.expiresMs <= nowMs && this.stateMoved(grant)) this.end(grant, LEASE_VOIDED);
    }
    const holder = by;
    const grant = { id, key, space, holder, expiresMs: nowMs + leaseMs, answer, outcome: 0 };
    this.granted.set(id, grant);
    this.grants.push(grant);
  }

  private stateMoved({ answer }: Grant): boolean {
    return this.thread(0).stateOf(answer) !== answer.state;
  }

  private end(grant: Grant, outcome: number): void {
    grant.outcome = outcome;
    this.granted.delete(grant.id);
  }

  private pick(index: number): Grant | undefined {
    const { length } = this.grants;
    return length === 0 ? undefined : this.grants[length - 1 - (index % Math.min(length, 12))];
  }

  fill(by: number, index: number): void {
    const grant = this.pick(index);
    if (grant === undefined) return;
    this.serial += 1;
    const value = `loaded ${this.serial}`;
    const { key, space, answer } = grant;
    const status = this.thread(by).fill(key, answer.token, value, { namespaceId: space });
    expect(status).toBe(grant.outcome === 0 ? STATUS_OK : STATUS_REFUSED);
    if (grant.outcome === 0) {
      this.entries.set(grant.id, value);
      this.end(grant, LEASE_FILLED);
    } else {
      this.refused += 1;
    }
  }

  release(by: number, index: number, message: string): void {
    const grant = this.pick(index);
    if (grant === undefined) return;
    const { key, space, answer } = grant;
    const status = this.thread(by).release(key, answer.token, message, { namespaceId: space });
    expect(status).toBe(grant.outcome === 0 ? STATUS_OK : STATUS_REFUSED);
    if (grant.outcome === 0) this.end(grant, message === '' ? LEASE_RELEASED : LEASE_FAILED);
  }

  set(by: number, space: number, key: string, onlyAbsent: boolean): void {
    const id = `${space}/${key}`;
    this.serial += 1;
    const value = `set ${this.serial}`;
    const flags = onlyAbsent ? FLAG_ONLY_ABSENT : 0;
    const { status } = this.thread(by).thread.set(key, value, { namespaceId: space, flags });
    const isRefused = onlyAbsent && this.entries.has(id);
    expect(status).toBe(isRefused ? STATUS_REFUSED : STATUS_OK);
    if (isRefused) return;
    this.entries.set(id, value);
    this.voidOf(id);
  }

  remove(by: number, space: number, key: string): void {
    const id = `${space}/${key}`;
    this.thread(by).thread.remove(key, { namespaceId: space });
    this.entries.delete(id);
    this.voidOf(id);
  }

  private voidOf(id: string): void {
    const grant = this.granted.get(id);
    if (grant !== undefined) this.end(grant, LEASE_VOIDED);
  }

  clear(by: number, space: number): void {
    this.thread(by).thread.core.clearNamespace(space);
    for (const id of [...this.entries.keys()]) {
      if (id.startsWith(`${space}/`)) this.entries.delete(id);
    }
    for (const grant of [...this.granted.values()]) {
      if (grant.space === space) this.end(grant, LEASE_VOIDED);
    }
  }

  /** A thread leaves, or dies; another takes its slot. */
  replace(index: number, releaser: number): void {
    const gone = this.thread(index).thread;
    this.thread(releaser).thread.detach(gone.id);
    for (const grant of [...this.granted.values()]) {
      if (grant.holder === index) this.end(grant, LEASE_RELEASED);
    }
    const next = this.attach();
    expect(next.thread.id).toBe(gone.id);
    this.threads[index] = next;
  }

  /** The shard of a thread that died in mid-write is recovered: entries stay, leases end. */
  reset(dead: number, by: number): void {
    if (dead === by) return;
    const gone = this.thread(dead).thread;
    this.arena.hold(0, gone.id, gone.generationOf(gone.id));
    expect(this.thread(by).thread.recover(0, gone.id)).toBe(true);
    for (const grant of [...this.granted.values()]) this.end(grant, LEASE_VOIDED);
    this.replace(dead, by);
  }

  /** All that must hold after every operation. */
  check(): void {
    const { arena } = this;
    expect(arena.verify()).toEqual([]);
    expect(arena.shardU32(0, SHARD_LEASES_ACTIVE)).toBe(this.granted.size);
    expect(arena.shardU64(0, SHARD_LEASES_GRANTED)).toBe(this.grants.length);
    expect(arena.shardU64(0, SHARD_LEASES_REFUSED)).toBe(this.refused);
    for (const grant of this.grants.slice(-100)) {
      const outcome = this.thread(0).outcomeOf(grant.answer);
      // A record that was used again tells nothing, but never that the lease stands.
      if (outcome !== -1 || grant.outcome === 0) expect(outcome).toBe(grant.outcome);
      expect(outcome).not.toBe(LEASE_EMPTY);
    }
    for (const space of [0, 1]) {
      for (const key of ['a', 'b', 'c']) {
        const expected = this.entries.get(`${space}/${key}`) ?? STATUS_MISS;
        expect(this.thread(1).thread.text(key, space)).toBe(expected);
      }
    }
  }
}
