import { FLAG_KEEP_TTL, OP_DELETE } from '../../native-free-core/assembly/layout.js';
import { namespaceEpoch } from '../namespace-epoch.js';
import type { ReadGate } from '../read-gate.js';
import type { KeptEntry } from '../reads/entry-view.js';
import type { TagNames } from '../tags/tag-names.js';
import type { ThreadSession } from '../thread-session.js';
import type { Command } from './command.js';

/** A value that this thread has written and nobody has applied yet; it has no version. */
export interface PendingEntry extends KeptEntry {
  readonly encoding: number;
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
    if (command.hiddenBy > 0) {
      command.isAnswered = true;
      return;
    }
    const keys = this.#latest.get(command.namespaceId);
    if (keys === undefined || keys.get(command.key) !== command) return;
    keys.delete(command.key);
    this.#gate.setPending(this.#gate.pendingCount - 1);
    if (keys.size === 0) this.#latest.delete(command.namespaceId);
  }

  /**
   * A write of the key was applied in place: an older one that is hidden says nothing about it any
   * more.
   */
  outdate(namespaceId: number, key: string): void {
    const command = this.#latest.get(namespaceId)?.get(key);
    if (command === undefined || !command.isAnswered) return;
    command.hiddenBy = 0;
    this.remove(command);
  }

  /**
   * Hides pending sets from this thread's reads until `reveal`: an invalidation that was called
   * after them removes them, but later than they are applied.
   */
  hide(namespaceId: number, isMeant: (tags: TagNames) => boolean): readonly Command[] {
    const hidden: Command[] = [];
    for (const command of this.#latest.get(namespaceId)?.values() ?? []) {
      if (command.tags === undefined || !isMeant(command.tags)) continue;
      command.hiddenBy += 1;
      hidden.push(command);
    }
    return hidden;
  }

  /** The invalidation that hid them is over. */
  reveal(hidden: readonly Command[]): void {
    for (const command of hidden) {
      if (command.hiddenBy > 0) command.hiddenBy -= 1;
      if (command.hiddenBy === 0 && command.isAnswered) this.remove(command);
    }
  }

  /** The pending value, `PENDING_MISS`, or undefined when shared memory is to be asked. */
  find(namespaceId: number, key: string): PendingEntry | typeof PENDING_MISS | undefined {
    const command = this.#latest.get(namespaceId)?.get(key);
    if (command === undefined) return undefined;
    // A clear after the call wins.
    if (command.epoch !== namespaceEpoch(this.#session, namespaceId)) return PENDING_MISS;
    if (command.opcode === OP_DELETE || command.hiddenBy > 0) return PENDING_MISS;
    // The expiry of one that keeps the present time to live is not known yet.
    const keepsTtl = (command.flags & FLAG_KEEP_TTL) !== 0;
    if (!keepsTtl && command.expiryMs <= this.#session.nowMs()) return PENDING_MISS;
    return {
      bytes: this.#bytesOf(command),
      encoding: command.encoding,
      contentType: command.contentType === '' ? undefined : command.contentType,
      expiryMs: command.expiryMs,
      createdMs: this.#session.nowMs(),
      version: 0,
      isHashed: false,
      hashLow: 0,
      hashHigh: 0,
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
