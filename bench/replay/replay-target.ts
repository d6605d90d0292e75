/** What a trace is replayed against: the engine in this process, or a server over HTTP. */
export type StoreOutcome = 'stored' | 'too-large' | 'refused';

export interface ReplayTarget {
  /** One line for the report. */
  readonly description: string;
  /** How many keys may be asked for after the replay to find out what the cache holds. */
  readonly probesMax: number;
  /** True is a hit; the value has been received completely. Synchronous where the cache is. */
  get(key: string): boolean | Promise<boolean>;
  /** Stores a value of that many bytes and waits until it is applied. */
  set(key: string, valueBytes: number): Promise<StoreOutcome>;
  delete(key: string): Promise<void>;
  /** Bytes of the value held for the key now; undefined when there is none. */
  heldValueBytes(key: string): number | undefined | Promise<number | undefined>;
  /** What the cache knows of itself; undefined when it does not say. */
  occupancy(): CacheOccupancy | undefined;
  close(): Promise<void>;
}

export interface CacheOccupancy {
  readonly items: number;
  readonly evictions: number;
}
