import type { KeyspaceContext } from '../keyspace-context.js';
import type { SetOptions } from '../set-options.js';
import type { LeaseCommands, LeasePlace } from './lease-commands.js';
import type { LeaseEnding } from './lease-waits.js';

/** What a lease or a load needs of its namespace in this thread. */
export interface LeasePort {
  readonly context: KeyspaceContext;
  readonly namespaceId: number;
  readonly commands: LeaseCommands;
  /** The value of a live entry; `undefined` = none. */
  read(key: string): unknown;
  /** The value of a stale entry; `undefined` = none. */
  readStale(key: string): unknown;
  /** Stores a value if the lease of that token still stands. */
  fill(
    key: string,
    value: unknown,
    options: SetOptions | undefined,
    token: number,
  ): Promise<boolean>;
  /** One step of the wait for another's lease; see `LeaseWaits`. */
  step(place: LeasePlace): Promise<LeaseEnding | undefined>;
}
