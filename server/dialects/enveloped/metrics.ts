import { sendReply } from '../../http/reply.js';
import type { Exchange } from '../../http/transport.js';
import { jsonReply } from '../../wire.js';
import type { DialectParts } from '../dialect-parts.js';

const RATE_SCALE = 10_000;

/** Counters of the engine, of all its threads and dialects. There is no second tier. */
export function getMetrics({ store }: DialectParts, exchange: Exchange): undefined {
  const { hits, misses, sets, deletes, evictions, items } = store.stats();
  const reads = hits + misses;
  const reply = jsonReply(200, {
    hits,
    misses,
    hit_rate: reads === 0 ? 0 : Math.round((hits / reads) * RATE_SCALE) / RATE_SCALE,
    sets,
    deletes,
    evictions,
    l1_size: items,
    l2_hits: 0,
    l2_misses: 0,
    l2_errors: 0,
  });
  sendReply(exchange, reply);
}
