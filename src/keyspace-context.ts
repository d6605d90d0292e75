import { OP_INCREMENT, OP_SET } from '../native-free-core/assembly/layout.js';
import { STATUS_FULL, type Status } from '../native-free-core/status.js';
import type { Codec } from './codec/codec.js';
import { publishWriteFailed } from './engine-events.js';
import { CacheError, engineClosed, statusError } from './errors.js';
import { ThreadLeases } from './leases/thread-leases.js';
import { NearCache } from './near-cache/near-cache.js';
import type { ResolvedNearCache } from './options.js';
import { ReadGate } from './read-gate.js';
import { EntryView } from './reads/entry-view.js';
import { ScanBook } from './scans/scan-book.js';
import type { ThreadSession } from './thread-session.js';
import type { Command } from './writes/command.js';
import { CommandWriter } from './writes/command-writer.js';

/** What all key spaces of one engine share in one thread. */
export class KeyspaceContext {
  readonly session: ThreadSession;
  readonly writer: CommandWriter;
  readonly view: EntryView;
  readonly leases: ThreadLeases;
  readonly codec: Codec;
  readonly defaultTtlMs: number;
  readonly gate: ReadGate;
  /** Copies that this thread keeps; undefined where the options say so. */
  readonly near: NearCache | undefined;
  /** Whether decoded values are frozen before they are handed out. */
  readonly isFrozen: boolean;
  readonly scans: ScanBook;

  /** Nothing special to heed: open, and no write of this thread on its way. The usual case. */
  get isPlain(): boolean {
    return this.gate.isOpen && !this.session.isStopped;
  }

  /** Writes that failed, refused ones included. */
  failedWrites = 0;

  readonly #background = new Set<Promise<unknown>>();
  #overloaded: Promise<never> | undefined;
  #overloadError: CacheError | undefined;

  constructor(
    session: ThreadSession,
    inPlace: boolean,
    codec: Codec,
    defaultTtlMs: number,
    nearCache: ResolvedNearCache,
  ) {
    this.session = session;
    this.gate = new ReadGate();
    this.near = nearCache.kind === 'on' ? new NearCache(session, nearCache) : undefined;
    this.writer = new CommandWriter(session, this.gate, inPlace, this.near);
    this.view = new EntryView(session);
    this.scans = new ScanBook(session, this.writer, (operation) => this.assertOpen(operation));
    this.leases = new ThreadLeases(session);
    this.codec = codec;
    this.defaultTtlMs = defaultTtlMs;
    this.isFrozen = nearCache.isFrozen;
  }

  /**
   * Keeps the engine from closing while an operation of many commands is under way. A failure was
   * counted and published when it came: never an unhandled rejection.
   */
  background<R>(operation: Promise<R>): Promise<R> {
    this.#background.add(operation);
    operation.catch(ignore).finally(() => this.#background.delete(operation));
    return operation;
  }

  /** Resolves when no command of this thread is under way any more. */
  async drained(): Promise<void> {
    await Promise.allSettled(this.#background);
    await this.writer.drained();
  }

  /** @throws {CacheError} `ERR_CACHE_CLOSED` when this thread or the creating one has closed it */
  assertOpen(operation: string): void {
    if (this.gate.isClosed || this.session.isStopped) throw engineClosed(operation);
  }

  /**
   * The rejection of a write that found the queue full. One promise serves all: a program that
   * never returns to the event loop would otherwise collect an error for each write.
   */
  overloaded(command: Command): Promise<never> {
    if (this.#overloaded === undefined) {
      this.#overloadError = this.failure(command, STATUS_FULL);
      this.#overloaded = Promise.reject(this.#overloadError);
      this.#overloaded.catch(ignore);
    } else {
      this.#publish(command.key, this.#overloadError as CacheError);
    }
    return this.#overloaded;
  }

  /** The error for a command that the core refused; counted and published. */
  failure(command: Command, status: number): CacheError {
    const error = statusError(status as Status, {
      operation: operationOf(command.opcode),
      valueBytes: command.payloadBytes,
      valueBytesMax: this.session.valueBytesMax,
      isIdempotent: command.isIdempotent,
    });
    this.#publish(command.key, error);
    return error;
  }

  /**
   * A rejection that nobody needs to await: it is counted and published here, so it never becomes
   * an unhandled rejection. For failures of the caller's arguments too.
   */
  rejection(key: unknown, error: unknown): Promise<never> {
    if (CacheError.is(error)) this.#publish(typeof key === 'string' ? key : '', error);
    const promise = Promise.reject(error);
    promise.catch(ignore);
    return promise;
  }

  #publish(key: string, error: CacheError): void {
    this.failedWrites += 1;
    publishWriteFailed({ key, error });
  }
}

function operationOf(opcode: number): string {
  if (opcode === OP_INCREMENT) return 'increment';
  return opcode === OP_SET ? 'set' : 'write';
}

function ignore(): void {
  // The rejection was counted and published when it was made.
}
