import {
  type LEASE_EMPTY,
  type LEASE_FAILED,
  type LEASE_RELEASED,
  OP_LEASE,
  OP_LEASE_END,
} from '../../native-free-core/assembly/layout.js';
import {
  STATUS_OK,
  STATUS_OUTCOME_UNKNOWN,
  STATUS_PENDING,
  STATUS_PRESENT,
  STATUS_WAIT,
} from '../../native-free-core/status.js';
import { TTL_NEVER_MS } from '../duration.js';
import type { Command } from '../writes/command.js';
import type { CommandWriter } from '../writes/command-writer.js';

/** Where a lease lies in the arena, and its state while it is granted. */
export interface LeasePlace {
  readonly address: number;
  readonly state: number;
}

/** What the holder of the shard answers to who asks for a lease. */
export type LeaseAnswer =
  | { readonly kind: 'granted'; readonly token: number; readonly place: LeasePlace }
  /** Another has it. */
  | { readonly kind: 'taken'; readonly place: LeasePlace }
  /** There is an entry. */
  | { readonly kind: 'present' }
  /** No lease is to be had now. */
  | { readonly kind: 'none' }
  /** The thread that answered died: ask again. */
  | { readonly kind: 'unknown' };

const PRESENT: LeaseAnswer = { kind: 'present' };
const NONE: LeaseAnswer = { kind: 'none' };
const UNKNOWN: LeaseAnswer = { kind: 'unknown' };

/** How a holder that stores nothing ends its lease. */
export type LeaseEnd = typeof LEASE_RELEASED | typeof LEASE_FAILED | typeof LEASE_EMPTY;

/** Asks for leases and gives them up, by commands that keep their order with writes. */
export class LeaseCommands {
  readonly #writer: CommandWriter;
  readonly #namespaceId: number;

  constructor(writer: CommandWriter, namespaceId: number) {
    this.#writer = writer;
    this.#namespaceId = namespaceId;
  }

  /** @throws {CacheError} `ERR_CACHE_INVALID_KEY` */
  async ask(key: string, leaseMs: number): Promise<LeaseAnswer> {
    const command = this.#draft(OP_LEASE, key);
    command.ttlMs = leaseMs;
    const status = await this.#run(command);
    switch (status) {
      case STATUS_OK:
        return { kind: 'granted', token: command.guard, place: placeOf(command) };
      case STATUS_WAIT:
        return { kind: 'taken', place: placeOf(command) };
      case STATUS_PRESENT:
        return PRESENT;
      case STATUS_OUTCOME_UNKNOWN:
        return UNKNOWN;
      default:
        return NONE;
    }
  }

  /** Gives a lease up; whether it still was one. The message is for waiters of other threads. */
  async end(key: string, token: number, how: LeaseEnd, message?: Uint8Array): Promise<boolean> {
    const command = this.#draft(OP_LEASE_END, key);
    command.guard = token;
    command.encoding = how;
    command.payload = message;
    return (await this.#run(command)) === STATUS_OK;
  }

  #draft(opcode: number, key: string): Command {
    const command = this.#writer.draft();
    command.opcode = opcode;
    command.namespaceId = this.#namespaceId;
    command.key = key;
    command.encoding = 0;
    command.ttlMs = TTL_NEVER_MS;
    return command;
  }

  /** The command is not given back for reuse: its answer is read later. */
  #run(command: Command): number | Promise<number> {
    const status = this.#writer.run(command);
    if (status !== STATUS_PENDING) return status;
    return new Promise((resolve) => {
      command.settle = (answer) => resolve(answer);
    });
  }
}

function placeOf(command: Command): LeasePlace {
  return { address: command.leaseAddress, state: command.leaseState };
}
