import { KeyCursors, type ListingScope } from '../../cache/key-cursors.js';
import { readQuery } from '../../http/query.js';
import { sendReply } from '../../http/reply.js';
import { readRequestHead } from '../../http/request-head.js';
import type { Exchange } from '../../http/transport.js';
import { invalidField } from '../../json/json-fields.js';
import type { Route } from '../../router.js';
import { jsonReply } from '../../wire.js';
import type { DialectParts } from '../dialect-parts.js';
import { checkNamespace } from '../namespace-name.js';
import { readSelection, SELECTOR_NAMES, singleSelector } from '../selection.js';
import { DELETE_SELECTION, LIST_KEYS } from './selection-documents.js';

const DELETE_PARAMETERS: readonly string[] = [...SELECTOR_NAMES, 'confirm', 'namespace'];
const LIST_PARAMETERS: readonly string[] = ['pattern', 'prefix', 'limit', 'cursor', 'namespace'];
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 10_000;
const LIMIT_TEXT = /^[0-9]{1,5}$/;

/** `/cache`: DELETE by pattern, prefix or tag, and GET for the keys. */
export function createSelectionRoutes(parts: DialectParts): readonly Route[] {
  const cursors = new KeyCursors(parts.settings.cursorKey);
  return [
    {
      path: '/cache',
      operations: {
        GET: {
          name: 'list_keys',
          handle: (exchange) => listKeys(parts, cursors, exchange),
          document: LIST_KEYS,
        },
        DELETE: {
          name: 'invalidate',
          handle: (exchange) => deleteSelection(parts, exchange),
          document: DELETE_SELECTION,
        },
      },
    },
  ];
}

async function deleteSelection({ store, writes }: DialectParts, exchange: Exchange): Promise<void> {
  readRequestHead(exchange);
  const query = readQuery(exchange.query, DELETE_PARAMETERS);
  const given = SELECTOR_NAMES.filter((name) => query.has(name));
  const selector = singleSelector(given, SELECTOR_NAMES);
  const selection = readSelection(store, {
    namespace: readNamespace(query),
    selector,
    text: query.get(selector) ?? '',
    isConfirmed: readConfirmation(query.get('confirm')),
  });
  const deleted = await writes.invalidate(selection);
  sendReply(exchange, jsonReply(200, { deleted, status: 'completed' }));
}

async function listKeys(
  { store, writes }: DialectParts,
  cursors: KeyCursors,
  exchange: Exchange,
): Promise<void> {
  const query = readQuery(exchange.query, LIST_PARAMETERS);
  const namespace = readNamespace(query);
  const limit = readLimit(query.get('limit'));
  const scope = readScope(query, namespace);
  const filter =
    scope.kind === 'all'
      ? undefined
      : scope.kind === 'prefix'
        ? { prefix: scope.text }
        : { glob: scope.text };
  // Checked here too: a namespace that nobody has used yet is not asked.
  store.keys(filter);
  const cursor = query.get('cursor');
  const place = cursor === undefined ? undefined : cursors.open(scope, cursor);
  const page = await writes.find(namespace)?.scanKeys({ filter, limit, cursor: place });
  const next = page?.cursor === undefined ? null : cursors.sign(scope, page.cursor);
  sendReply(exchange, jsonReply(200, { keys: page?.keys ?? [], cursor: next }));
}

function readNamespace(query: ReadonlyMap<string, string>): string {
  const name = query.get('namespace');
  return name === undefined ? '' : checkNamespace(name);
}

function readConfirmation(text: string | undefined): boolean {
  if (text !== undefined && text !== 'true' && text !== 'false') {
    throw invalidField('confirm', 'must be true or false');
  }
  return text === 'true';
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return LIMIT_DEFAULT;
  const limit = LIMIT_TEXT.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > LIMIT_MAX) {
    throw invalidField('limit', `must be a whole number from 1 to ${LIMIT_MAX}`);
  }
  return limit;
}

function readScope(query: ReadonlyMap<string, string>, namespace: string): ListingScope {
  const prefix = query.get('prefix');
  const glob = query.get('pattern');
  if (prefix !== undefined && glob !== undefined) {
    throw invalidField('pattern, prefix', 'at most one may be given, not both');
  }
  if (glob !== undefined) return { namespace, kind: 'glob', text: glob };
  if (prefix === undefined || prefix === '') return { namespace, kind: 'all', text: '' };
  return { namespace, kind: 'prefix', text: prefix };
}
