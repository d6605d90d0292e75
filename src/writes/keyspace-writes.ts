import {
  FLAG_RETURN_OLD,
  OP_DELETE,
  OP_SET,
  OP_TOUCH,
} from '../../native-free-core/assembly/layout.js';
import {
  STATUS_FULL,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_REFUSED,
} from '../../native-free-core/status.js';
import { encodeKind, encodePayload } from '../codec/entry-codec.js';
import { type Duration, parseExpiry, TTL_NEVER_MS } from '../duration.js';
import { checkKeys } from '../keys/check-keys.js';
import { KeyspaceReads } from '../reads/keyspace-reads.js';
import { resolveSetOptions, type SetOptions } from '../set-options.js';
import type { Command } from './command.js';

const RESOLVED_TRUE: Promise<boolean> = Promise.resolve(true);
const RESOLVED_FALSE: Promise<boolean> = Promise.resolve(false);

/** The writes of one namespace; they resolve when they were applied. */
export abstract class KeyspaceWrites extends KeyspaceReads {
  /**
   * Stores a value: `Uint8Array` and string as they are, others by the engine's codec. Resolves
   * when it was applied: true, or false when the condition `only` refused it.
   */
  set(key: string, value: unknown, options?: SetOptions): Promise<boolean> {
    try {
      return this.answer(this.setCommand(key, value, options, 0));
    } catch (error) {
      return this.context.rejection(key, error);
    }
  }

  /**
   * Stores a value and resolves to the one it replaced; `undefined` when there was none, or when
   * memory is so short that it had to make room for its own replacement.
   */
  getAndSet<T = unknown>(
    key: string,
    value: unknown,
    options?: SetOptions,
  ): Promise<T | undefined> {
    try {
      return this.answerOld<T>(this.setCommand(key, value, options, FLAG_RETURN_OLD));
    } catch (error) {
      return this.context.rejection(key, error);
    }
  }

  /** Stores many values with the same options; resolves to the number stored. */
  setMany(entries: Iterable<readonly [string, unknown]>, options?: SetOptions): Promise<number> {
    try {
      this.context.assertOpen('setMany');
      const answers: Promise<boolean>[] = [];
      for (const [key, value] of entries) answers.push(this.set(key, value, options));
      return countTrue(answers);
    } catch (error) {
      return this.context.rejection('', error);
    }
  }

  /** Removes a key; resolves to whether it was there. */
  delete(key: string): Promise<boolean> {
    return this.#change(OP_DELETE, key, TTL_NEVER_MS);
  }

  /** Removes keys; resolves to the number that were there. */
  deleteMany(keys: readonly string[]): Promise<number> {
    try {
      this.context.assertOpen('deleteMany');
      checkKeys(keys);
      return countTrue(keys.map((key) => this.delete(key)));
    } catch (error) {
      return this.context.rejection('', error);
    }
  }

  /** Gives an entry a new time to live, from now; resolves to whether the key was there. */
  touch(key: string, ttl: Duration | 'never'): Promise<boolean> {
    try {
      return this.#change(OP_TOUCH, key, parseExpiry(ttl, 'ttl'));
    } catch (error) {
      return this.context.rejection(key, error);
    }
  }

  /** Removes the time to live of an entry; resolves to whether the key was there. */
  persist(key: string): Promise<boolean> {
    return this.#change(OP_TOUCH, key, TTL_NEVER_MS);
  }

  /** Removes all entries of this namespace at once; their memory is freed in the background. */
  clear(): Promise<void> {
    try {
      this.context.assertOpen('clear');
      this.session.core.clearNamespace(this.namespaceId);
      return Promise.resolve();
    } catch (error) {
      return this.context.rejection('', error);
    }
  }

  /** @internal */
  protected setCommand(
    key: string,
    value: unknown,
    options: SetOptions | undefined,
    flags: number,
  ): Command {
    const { codec, defaultTtlMs } = this.context;
    this.context.assertOpen('set');
    // Code of the user (toJSON) runs here, before anything is claimed.
    const payload = encodePayload(value, codec);
    const encoding = encodeKind(value, codec);
    const resolved = options === undefined ? undefined : resolveSetOptions(options, defaultTtlMs);
    const command = this.writer.draft();
    command.opcode = OP_SET;
    command.namespaceId = this.namespaceId;
    command.key = key;
    command.payload = payload;
    command.encoding = encoding;
    command.flags = flags;
    command.ttlMs = defaultTtlMs;
    if (resolved !== undefined) {
      command.contentType = resolved.contentType;
      command.tags = resolved.tags;
      command.flags |= resolved.flags;
      command.ttlMs = resolved.ttlMs;
    }
    return command;
  }

  #change(opcode: number, key: string, ttlMs: number): Promise<boolean> {
    try {
      this.context.assertOpen(opcode === OP_DELETE ? 'delete' : 'touch');
      const command = this.writer.draft();
      command.opcode = opcode;
      command.namespaceId = this.namespaceId;
      command.key = key;
      command.encoding = 0;
      command.ttlMs = ttlMs;
      return this.answer(command);
    } catch (error) {
      return this.context.rejection(key, error);
    }
  }

  /** @internal Runs a command; an answer that is known at once costs no new promise. */
  protected answer(command: Command): Promise<boolean> {
    const status = this.writer.run(command);
    if (status === STATUS_OK || status === STATUS_REFUSED) {
      this.writer.recycle(command);
      return status === STATUS_OK ? RESOLVED_TRUE : RESOLVED_FALSE;
    }
    if (status === STATUS_FULL) return this.context.overloaded(command);
    return this.answerLater(command, status, isTrue);
  }

  /** @internal Runs a command that returns an old value. */
  protected answerOld<T>(command: Command): Promise<T | undefined> {
    const status = this.writer.run(command);
    if (status === STATUS_OK || status === STATUS_REFUSED) {
      const old = this.handOut(command.returned) as T | undefined;
      this.writer.recycle(command);
      return Promise.resolve(old);
    }
    if (status === STATUS_FULL) return this.context.overloaded(command);
    return this.answerLater(
      command,
      status,
      (_, readOld) => this.handOut(readOld()) as T | undefined,
    );
  }

  /** @internal The answer of a command that is on its way, or was refused. */
  protected answerLater<R>(
    command: Command,
    status: number,
    take: (outcome: number, readOld: () => unknown) => R,
  ): Promise<R> {
    if (status !== STATUS_PENDING) {
      const refused = Promise.reject(this.context.failure(command, status));
      refused.catch(ignore);
      return refused;
    }
    const promise = new Promise<R>((resolve, reject) => {
      command.settle = (outcome, readOld) => {
        if (outcome === STATUS_OK || outcome === STATUS_REFUSED) {
          try {
            resolve(take(outcome, readOld));
          } catch (error) {
            // An old value that does not decode.
            promise.catch(ignore);
            reject(error);
          }
          return;
        }
        // Counted and published: never an unhandled rejection.
        promise.catch(ignore);
        reject(this.context.failure(command, outcome));
      };
    });
    return promise;
  }
}

function ignore(): void {
  // The rejection was counted and published when it was made.
}

function isTrue(outcome: number): boolean {
  return outcome === STATUS_OK;
}

/** How many answers are true; rejects with the first failure, which was counted and published. */
function countTrue(answers: readonly Promise<boolean>[]): Promise<number> {
  const count = Promise.all(answers).then((results) => results.filter(Boolean).length);
  count.catch(ignore);
  return count;
}
