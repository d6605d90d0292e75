import type { Route } from '../../router.js';
import type { DialectParts } from '../dialect-parts.js';
import { readNamespaceSegment } from '../namespace-name.js';
import { getBatch, setBatch } from './batch.js';
import { BATCH_GET, BATCH_SET } from './batch-documents.js';
import { deleteEntry, getEntry, putEntry } from './entry.js';
import { DELETE_ENTRY, GET_ENTRY, PUT_ENTRY } from './entry-documents.js';

const ROOT = '/api/v1/cache/{namespace}';

/**
 * `/api/v1/cache/{namespace}/…`: entries by namespace, with the fields of a gRPC interface written
 * as JSON. Answers that find nothing have every field too.
 */
export function createNamespacedRoutes(parts: DialectParts): readonly Route[] {
  return [
    {
      path: `${ROOT}/{key}`,
      operations: {
        GET: {
          name: 'get',
          handle: (exchange, namespace, key) => getEntry(parts, exchange, namespace, key),
          document: GET_ENTRY,
        },
        PUT: {
          name: 'set',
          handle: (exchange, namespace, key) => putEntry(parts, exchange, namespace, key),
          document: PUT_ENTRY,
        },
        DELETE: {
          name: 'delete',
          handle: (exchange, namespace, key) => deleteEntry(parts, exchange, namespace, key),
          document: DELETE_ENTRY,
        },
      },
    },
    {
      path: `${ROOT}/batch/get`,
      operations: {
        POST: {
          name: 'batch_get',
          handle: async (exchange, segment) => {
            await getBatch(parts, exchange, readNamespaceSegment(segment));
          },
          document: BATCH_GET,
        },
      },
    },
    {
      path: `${ROOT}/batch/set`,
      operations: {
        POST: {
          name: 'batch_set',
          handle: async (exchange, segment) => {
            await setBatch(parts, exchange, readNamespaceSegment(segment));
          },
          document: BATCH_SET,
        },
      },
    },
  ];
}
