import type { Route } from '../../router.js';
import type { DialectParts } from '../dialect-parts.js';
import { DELETE_ENTRY, GET_ENTRY, HEAD_ENTRY, PATCH_ENTRY, PUT_ENTRY } from './entry-documents.js';
import { patchEntry } from './patch-entry.js';
import { EntryReader } from './read-entry.js';
import { deleteEntry, putEntry } from './write-entry.js';

/** `/cache/{key}`: one entry. */
export function createEntryRoutes(parts: DialectParts): readonly Route[] {
  const reader = new EntryReader(parts);
  return [
    {
      path: '/cache/{key}',
      operations: {
        GET: { name: 'get', handle: reader.get, document: GET_ENTRY },
        HEAD: { name: 'head', handle: reader.head, document: HEAD_ENTRY },
        PUT: {
          name: 'set',
          handle: (exchange, segment) => putEntry(parts, exchange, segment),
          document: PUT_ENTRY,
        },
        PATCH: {
          name: 'set_ttl',
          handle: (exchange, segment) => patchEntry(parts, exchange, segment),
          document: PATCH_ENTRY,
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
