import { FLAG_KEEP_TTL, OP_DELETE } from '../../native-free-core/assembly/layout.js';
import { namespaceEpoch } from '../namespace-epoch.js';
import type { ReadGate } from '../read-gate.js';
import type { ThreadSession } from '../thread-session.js';
import type { Command } from './command.js';

/** A value that this thread has written and nobody has applied yet. */
export interface PendingEntry {
  readonly bytes: Uint8Array;
  readonly encoding: number;
  readonly contentType: string | undefined;
  /** In arena time; Infinity = none. */
  readonly expiryMs: number;
}

/** Answer for a key that a pending command deletes, or whose pending value has expired. */
export const PENDING_MISS = 'miss';

/**
 * Read-your-writes: the latest unconditional set or delete of each key that is still on its way.
 * While commands are pending, reads of this thread ask here first.
 */
export class PendingWrites {
  readonly #session: ThreadSession;
  readonly #latest = new Map<number, Map<string, Command>>();
  readonly #gate: ReadGate;

  constructor(session: ThreadSession, gate: ReadGate) {
    this.#session = session;
    this.#gate = gate;
  }

  /** Keys with a pending write. */
  get count(): number {
    return this.#gate.pendingCount;
  }

  /** A command was published or queued. */
  add(command: Command): void {
    if (!command.isVisibleEarly) return;
    let keys = this.#latest.get(command.namespaceId);
    if (keys === undefined) {
      keys = new Map();
      this.#latest.set(command.namespaceId, keys);
    }
    const before = keys.size;
    keys.set(command.key, command);
    if (keys.size !== before) this.#gate.setPending(this.#gate.pendingCount + 1);
  }

  /** A command was answered: shared memory knows better now. */
  remove(command: Command): void {
    const keys = this.#latest.get(command.namespaceId);
    if (keys === undefined || keys.get(command.key) !== command) return;
    keys.delete(command.key);
    this.#gate.setPending(this.#gate.pendingCount - 1);
    if (keys.size === 0) this.#latest.delete(command.namespaceId);
  }

  /** The pending value, `PENDING_MISS`, or undefined when shared memory is to be asked. */
  find(namespaceId: number, key: string): PendingEntry | typeof PENDING_MISS | undefined {
    const command = this.#latest.get(namespaceId)?.get(key);
    if (command === undefined) return undefined;
    // A clear after the call wins.
    if (command.epoch !== namespaceEpoch(this.#session, namespaceId)) return PENDING_MISS;
    if (command.opcode === OP_DELETE) return PENDING_MISS;
    // The expiry of one that keeps the present time to live is not known yet.
    const keepsTtl = (command.flags & FLAG_KEEP_TTL) !== 0;
    if (!keepsTtl && command.expiryMs <= this.#session.nowMs()) return PENDING_MISS;
    return {
      bytes: this.#bytesOf(command),
      encoding: command.encoding,
      contentType: command.contentType === '' ? undefined : command.contentType,
      expiryMs: command.expiryMs,
    };
  }

  #bytesOf(command: Command): Uint8Array {
    if (command.valueAddress !== 0) {
      const { buffer } = this.#session.bytes;
      return new Uint8Array(buffer, command.valueAddress, command.valueBytes);
    }
    const payload = command.payload ?? '';
    return typeof payload === 'string' ? Buffer.from(payload) : payload;
  }
}
