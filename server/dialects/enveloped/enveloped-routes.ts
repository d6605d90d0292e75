import type { Route } from '../../router.js';
import type { DialectParts } from '../dialect-parts.js';
import { deleteEntry, getEntry, putEntry } from './entry.js';
import { DELETE_ENTRY, GET_ENTRY, PUT_ENTRY } from './entry-documents.js';
import { invalidate } from './invalidate.js';
import { INVALIDATE } from './invalidate-document.js';
import { getMetrics } from './metrics.js';
import { GET_METRICS } from './metrics-document.js';

const ROOT = '/api/cache';

/**
 * `/api/cache/…`: entries of the default namespace in an envelope. The keys `invalidate` and
 * `metrics` cannot be reached here, only by the other dialects.
 */
export function createEnvelopedRoutes(parts: DialectParts): readonly Route[] {
  return [
    {
      path: `${ROOT}/invalidate`,
      operations: {
        POST: {
          name: 'invalidate',
          handle: (exchange) => invalidate(parts, exchange),
          document: INVALIDATE,
        },
      },
    },
    {
      path: `${ROOT}/metrics`,
      operations: {
        GET: {
          name: 'status',
          handle: (exchange) => getMetrics(parts, exchange),
          document: GET_METRICS,
        },
      },
    },
    {
      path: `${ROOT}/{key}`,
      operations: {
        GET: {
          name: 'get',
          handle: (exchange, segment) => getEntry(parts, exchange, segment),
          document: GET_ENTRY,
        },
        PUT: {
          name: 'set',
          handle: (exchange, segment) => putEntry(parts, exchange, segment),
          document: PUT_ENTRY,
        },
        DELETE: {
          name: 'delete',
          handle: (exchange, segment) => deleteEntry(parts, exchange, segment),
          document: DELETE_ENTRY,
        },
      },
    },
  ];
}
