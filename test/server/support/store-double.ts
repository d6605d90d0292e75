import { createHash } from 'node:crypto';
import type { CacheStore, Space, StoredView } from '../../../server/cache/cache-store.js';
import { CacheError, type CacheErrorCode, type SetOptions } from '../../../src/index.js';

type ReadState = ReturnType<CacheStore['readState']>;

/** Large values come in parts of this size, the last one shorter. */
const PAGE_BYTES = 60_001;
const HASH_DIGITS = 16;

function notAsked(): never {
  throw new Error('the test asks the store for something that its double does not do');
}

/** A store whose answers a test decides: busy, failing, or not answering until it is told to. */
export class StoreDouble implements CacheStore {
  readonly values = new Map<string, Uint8Array>();
  /** What a read of an absent entry says. */
  absentState: ReadState = 'miss';
  /** Thrown by every call while it is set. */
  failure: Error | undefined;
  /** Resolves with each write that has begun. */
  private readonly begun: (() => void)[] = [];
  private gate: Promise<void> | undefined;
  private openGate: () => void = () => undefined;

  /** From now on writes wait for `release`. */
  hold(): void {
    this.gate = new Promise((resolve) => {
      this.openGate = resolve;
    });
  }

  release(): void {
    this.gate = undefined;
    this.openGate();
  }

  /** Resolves when the next write reaches the store. */
  nextWrite(): Promise<void> {
    return new Promise((resolve) => this.begun.push(resolve));
  }

  getView(key: string): StoredView | undefined {
    if (this.failure !== undefined) throw this.failure;
    const bytes = this.values.get(key);
    if (bytes === undefined) return undefined;
    const ttlMs = Number.POSITIVE_INFINITY;
    const chunks: Uint8Array[] = [];
    for (let offset = 0; offset < bytes.length; offset += PAGE_BYTES) {
      chunks.push(bytes.subarray(offset, offset + PAGE_BYTES));
    }
    const writeHash = (target: Uint8Array, offset: number): void => {
      const digest = createHash('sha256').update(bytes).digest('hex');
      target.set(Buffer.from(digest.slice(0, HASH_DIGITS)), offset);
    };
    return {
      bytes,
      chunks,
      sizeBytes: bytes.length,
      ttlMs,
      ageMs: 0,
      version: 1,
      contentType: undefined,
      writeHash,
    };
  }

  readState(): ReadState {
    return this.absentState;
  }

  async set(key: string, value: unknown, _options?: SetOptions): Promise<boolean> {
    await this.write();
    this.values.set(key, value as Uint8Array);
    return true;
  }

  async delete(key: string): Promise<boolean> {
    await this.write();
    return this.values.delete(key);
  }

  readonly valueBytesMax = 64 * 1_024 ** 2;
  readonly setIf = notAsked;
  readonly deleteIf = notAsked;
  readonly has = notAsked;
  readonly getWithMeta = notAsked;
  readonly touch = notAsked;
  readonly persist = notAsked;
  readonly invalidatePrefix = notAsked;
  readonly invalidateGlob = notAsked;
  readonly invalidateTag = notAsked;
  readonly keys = notAsked;
  readonly scanKeys = notAsked;

  /** There is no engine behind it. */
  stats(): never {
    throw cacheError('ERR_CACHE_CLOSED');
  }

  namespace(_name: string): Space {
    return this;
  }

  findNamespace(_name: string): Space | undefined {
    return this;
  }

  private async write(): Promise<void> {
    for (const begin of this.begun.splice(0)) begin();
    if (this.gate !== undefined) await this.gate;
    if (this.failure !== undefined) throw this.failure;
  }
}

export function cacheError(code: CacheErrorCode): CacheError {
  return new CacheError(code, `as the test asked: ${code}`);
}
