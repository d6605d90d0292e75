import type { ByteBudget } from '../byte-budget.js';
import type { CacheStore } from '../cache/cache-store.js';
import type { CacheWrites } from '../cache/cache-writes.js';
import type { ValueCodec } from '../codecs/stored-value.js';
import type { ServiceMetrics } from '../observability/service-metrics.js';
import type { ServiceSettings } from '../service-settings.js';

/** What the routes of every dialect work with: one set in each thread that serves. */
export interface DialectParts {
  /** For reading; what changes the cache goes through `writes`. */
  readonly store: CacheStore;
  readonly writes: CacheWrites;
  readonly codec: ValueCodec;
  readonly metrics: ServiceMetrics;
  /** Bounds bodies that are being received and replies that wait for slow clients. */
  readonly budget: ByteBudget;
  readonly settings: ServiceSettings;
}
