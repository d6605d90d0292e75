import { FLAG_RETURN_OLD, FLAG_VERSION, OP_DELETE } from '../native-free-core/assembly/layout.js';
import { STATUS_FULL, STATUS_OK } from '../native-free-core/status.js';
import { TTL_NEVER_MS } from './duration.js';
import { fillIncrement, type IncrementOptions } from './numbers/increment.js';
import { type SetIfOptions, splitSetIf } from './numbers/set-if.js';
import { KeyspaceWrites } from './writes/keyspace-writes.js';

/**
 * The entries of one namespace, seen from one thread. Reads are synchronous and wait for a writer
 * at most about 2 ms; writes resolve when they were applied. A write that fails rejects with a
 * `CacheError`; one that nobody awaits is counted in `stats()` and published on the diagnostics
 * channel `hotshard:write-failed`. Keys are 1 to 1,024 bytes of well-formed UTF-8.
 */
export class Keyspace extends KeyspaceWrites {
  /**
   * Adds to a number and resolves to the sum, as one step for all threads. The value is a safe
   * integer, or the decimal text of one as a string or bytes; it keeps its kind, its content type
   * and its time to live. A key that is not there counts from `initial`. Until it resolves, reads
   * of this thread may give the number as it was.
   *
   * Rejects with `ERR_CACHE_NOT_A_NUMBER` or `ERR_CACHE_NUMBER_OVERFLOW`, the value unchanged.
   *
   * @param by a safe integer, negative to subtract
   */
  increment(key: string, by = 1, options: IncrementOptions = {}): Promise<number> {
    try {
      this.context.assertOpen('increment');
      const command = this.writer.draft();
      fillIncrement(command, by, options, this.context.defaultTtlMs);
      command.namespaceId = this.namespaceId;
      command.key = key;
      const status = this.writer.run(command);
      if (status === STATUS_OK) {
        const sum = command.guard;
        this.writer.recycle(command);
        return Promise.resolve(sum);
      }
      if (status === STATUS_FULL) return this.context.overloaded(command);
      return this.answerLater(command, status, () => command.guard);
    } catch (error) {
      return this.context.rejection(key, error);
    }
  }

  /**
   * Stores a value only if the entry still is the one that was read: `version` is what
   * `getWithMeta` gave, 0 where there must be no entry. Resolves to whether it was stored.
   */
  setIf(key: string, value: unknown, options: SetIfOptions): Promise<boolean> {
    try {
      const { version, rest } = splitSetIf(options);
      const command = this.setCommand(key, value, rest, FLAG_VERSION);
      command.guard = version;
      return this.answer(command);
    } catch (error) {
      return this.context.rejection(key, error);
    }
  }

  /** Removes a key and resolves to the value it had, `undefined` when it was not there. */
  getAndDelete<T = unknown>(key: string): Promise<T | undefined> {
    try {
      this.context.assertOpen('getAndDelete');
      const command = this.writer.draft();
      command.opcode = OP_DELETE;
      command.namespaceId = this.namespaceId;
      command.key = key;
      command.encoding = 0;
      command.flags = FLAG_RETURN_OLD;
      command.ttlMs = TTL_NEVER_MS;
      return this.answerOld<T>(command);
    } catch (error) {
      return this.context.rejection(key, error);
    }
  }
}
