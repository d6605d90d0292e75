/** Leases as a binding of the core would ask for them: commands of one thread on the bare arena. */
import {
  FLAG_LEASE,
  LEASE_FAILED,
  LEASE_OUTCOME,
  LEASE_RELEASED,
  LEASE_STATE,
  LEASE_TEXT,
  LEASE_TEXT_BYTES,
  OP_LEASE,
  OP_LEASE_END,
  OP_SET,
  RECORD_GUARD,
  RECORD_OLD,
  RECORD_PAGES,
} from '../../native-free-core/assembly/layout.js';
import type { CoreArena } from './core-arena.js';
import { type CommandOptions, type CoreThread, toBytes } from './core-thread.js';

const LEASE_MS = 30_000;

/** What was answered to who asked for a lease. */
export interface LeaseAnswer {
  readonly status: number;
  /** 0 unless it was granted. */
  readonly token: number;
  /** Address of the lease that was granted or is waited for, 0 = none. */
  readonly address: number;
  /** Its state while it is granted. */
  readonly state: number;
}

export class CoreLeases {
  private readonly arena: CoreArena;
  readonly thread: CoreThread;

  constructor(arena: CoreArena, thread: CoreThread) {
    this.arena = arena;
    this.thread = thread;
  }

  ask(key: string, options: CommandOptions = {}): LeaseAnswer {
    const { thread, arena } = this;
    thread.collect();
    thread.begin(OP_LEASE, toBytes(key), options, 0);
    const { status } = thread.submit(0, 0, { ttlMs: LEASE_MS, ...options }, 0);
    const record = thread.core.commandRecord() >>> 0;
    const granted = status === 0;
    return {
      status,
      token: granted ? arena.view.getFloat64(record + RECORD_GUARD, true) : 0,
      address: arena.view.getUint32(record + RECORD_OLD, true) * 8,
      state: arena.view.getUint32(record + RECORD_PAGES, true),
    };
  }

  /** The status of a fill. */
  fill(key: string, token: number, value: string, options: CommandOptions = {}): number {
    const bytes = toBytes(value);
    this.thread.collect();
    const at = this.thread.begin(OP_SET, toBytes(key), options, bytes.length);
    this.arena.bytes.set(bytes, at);
    this.thread.core.describeGuard(token);
    const flags = (options.flags ?? 0) | FLAG_LEASE;
    return this.thread.submit(bytes.length, 0, options, flags).status;
  }

  /** The status of giving a lease up; with a message the load has failed. */
  release(key: string, token: number, message = '', options: CommandOptions = {}): number {
    const bytes = toBytes(message);
    this.thread.collect();
    const at = this.thread.begin(OP_LEASE_END, toBytes(key), options, bytes.length);
    this.arena.bytes.set(bytes, at);
    this.thread.core.describeGuard(token);
    const encoding = message === '' ? LEASE_RELEASED : LEASE_FAILED;
    return this.thread.submit(bytes.length, 0, { ...options, encoding }, 0).status;
  }

  /** State of the lease at an address now. */
  stateOf(answer: LeaseAnswer): number {
    return this.arena.view.getUint32(answer.address + LEASE_STATE, true);
  }

  /** How the lease of an answer ended; 0 while it has not, -1 when its record was used again. */
  outcomeOf(answer: LeaseAnswer): number {
    const state = this.stateOf(answer);
    if (state === answer.state) return 0;
    if (state !== answer.state + 1) return -1;
    return this.arena.view.getUint32(answer.address + LEASE_OUTCOME, true);
  }

  messageOf(answer: LeaseAnswer): string {
    const { view, bytes } = this.arena;
    const length = view.getUint16(answer.address + LEASE_TEXT_BYTES, true);
    const from = answer.address + LEASE_TEXT;
    return Buffer.from(bytes.slice(from, from + length)).toString();
  }
}
