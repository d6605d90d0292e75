import type { Transport } from '../http/transport.js';
import type { EngineReading } from './engine-reading.js';
import type { ServiceBlock } from './service-block.js';

/** What tells of a service from inside one of its threads. */
export interface ObservedService {
  /** Of all threads. */
  readonly block: ServiceBlock;
  readonly engine: EngineReading;
  readonly transport: Pick<Transport, 'name' | 'kind'>;
  /** Why it is this transport, for people; empty when there is nothing to say. */
  readonly transportReason: string;
  /** Of the package. */
  readonly version: string;
  /** Writes what this thread has open into its part of the block. */
  sample(): void;
}
