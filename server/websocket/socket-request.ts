import type { Selection } from '../cache/cache-writes.js';
import { matchesEveryKey } from '../dialects/selection.js';
import { RequestError } from '../error-table.js';
import { invalidField, invalidFrame } from './frame-refusals.js';
import type { FrameValue } from './frame-value.js';
import type { LimitsOfRequests, RequestFields } from './request-fields.js';

/** What is stored under one key. */
export interface EntryToSet {
  readonly key: string;
  readonly value: FrameValue;
  readonly encoding: 'base64' | undefined;
  /** `undefined` for the default. */
  readonly ttlMs: number | 'never' | undefined;
  readonly tags: readonly string[];
}

/** Keys, prefixes and tags of one namespace, and whether all of its keys are meant. */
export interface Topics {
  readonly keys: readonly string[];
  readonly prefixes: readonly string[];
  readonly tags: readonly string[];
  readonly all: boolean;
}

/** What a client asks for, checked as far as it can be without the cache. */
export type SocketRequest = { readonly namespace: string } & (
  | { readonly op: 'get' | 'delete'; readonly key: string }
  | {
      readonly op: 'set';
      readonly entry: EntryToSet;
      readonly only: 'absent' | 'present' | undefined;
    }
  | { readonly op: 'getMany' | 'deleteMany'; readonly keys: readonly string[] }
  | { readonly op: 'setMany'; readonly entries: readonly EntryToSet[] }
  | { readonly op: 'touch'; readonly key: string; readonly ttlMs: number | 'never' }
  | { readonly op: 'invalidate'; readonly selection: Selection }
  | { readonly op: 'subscribe' | 'unsubscribe'; readonly topics: Topics }
  | { readonly op: 'ping' }
);

/** The names of the operations. */
export type SocketOperation = SocketRequest['op'];

type Reader = (fields: RequestFields, limits: LimitsOfRequests) => SocketRequest;

const READERS: Readonly<Record<SocketOperation, Reader>> = {
  get: readOneKey('get'),
  delete: readOneKey('delete'),
  getMany: readManyKeys('getMany'),
  deleteMany: readManyKeys('deleteMany'),
  set: (fields) => {
    const namespace = fields.namespace();
    const entry = readEntry(fields);
    return { op: 'set', namespace, entry, only: readCondition(fields) };
  },
  setMany: (fields, { batchKeysMax }) => {
    const namespace = fields.namespace();
    const entries: EntryToSet[] = [];
    for (const item of fields.objects('entries', batchKeysMax)) {
      entries.push(readEntry(item));
      item.end();
    }
    return { op: 'setMany', namespace, entries };
  },
  touch: (fields) => {
    const ttlMs = fields.ttlMs();
    if (ttlMs === undefined) throw invalidFrame('ttlMs is missing');
    return { op: 'touch', namespace: fields.namespace(), key: fields.key('key'), ttlMs };
  },
  invalidate: readInvalidate,
  subscribe: readTopics('subscribe'),
  unsubscribe: readTopics('unsubscribe'),
  ping: (fields) => ({ op: 'ping', namespace: fields.namespace() }),
};

const READERS_BY_NAME: ReadonlyMap<string, Reader> = new Map(Object.entries(READERS));

/**
 * Reads what a request asks for; its id has been read.
 *
 * @throws {RequestError} what is wrong with it
 */
export function readRequest(fields: RequestFields, limits: LimitsOfRequests): SocketRequest {
  const op = fields.text('op');
  const reader = READERS_BY_NAME.get(op);
  if (reader === undefined) {
    const known = [...READERS_BY_NAME.keys()].join(', ');
    throw new RequestError('ERR_SOCKET_UNKNOWN_OPERATION', `op must be one of ${known}`);
  }
  const request = reader(fields, limits);
  fields.end();
  return request;
}

function readOneKey(op: 'get' | 'delete'): Reader {
  return (fields) => ({ op, namespace: fields.namespace(), key: fields.key('key') });
}

function readManyKeys(op: 'getMany' | 'deleteMany'): Reader {
  return (fields, { batchKeysMax }) => {
    const keys = fields.keys('keys', batchKeysMax);
    if (keys === undefined) throw invalidFrame('keys is missing');
    return { op, namespace: fields.namespace(), keys };
  };
}

function readEntry(fields: RequestFields): EntryToSet {
  const key = fields.key('key');
  const value = fields.required('value');
  const encoding = fields.optionalText('encoding');
  if (encoding !== undefined && encoding !== 'base64') {
    throw invalidField('encoding must be base64, or left out');
  }
  return { key, value, encoding, ttlMs: fields.ttlMs(), tags: fields.tags('tags') ?? [] };
}

function readCondition(fields: RequestFields): 'absent' | 'present' | undefined {
  const only = fields.optionalText('only');
  if (only === undefined || only === 'absent' || only === 'present') return only;
  throw invalidField('only must be absent or present, or left out');
}

function readInvalidate(fields: RequestFields, { batchKeysMax }: LimitsOfRequests): SocketRequest {
  const namespace = fields.namespace();
  const keys = fields.keys('keys', batchKeysMax);
  const selections: Selection[] = [];
  for (const kind of ['prefix', 'glob', 'tag'] as const) {
    const text = fields.optionalText(kind);
    if (text !== undefined) selections.push({ kind, namespace, text });
  }
  const isConfirmed = fields.flag('confirm');
  const [selection] = selections;
  if (selections.length + (keys === undefined ? 0 : 1) !== 1) {
    throw invalidFrame('exactly one of prefix, glob, tag and keys must be given');
  }
  if (selection === undefined) return { op: 'deleteMany', namespace, keys: keys ?? [] };
  if (selection.kind === 'glob' && matchesEveryKey(selection.text) && !isConfirmed) {
    throw new RequestError(
      'ERR_HTTP_PRECONDITION_REQUIRED',
      'this would remove every entry of the namespace; repeat it with confirm: true',
    );
  }
  return { op: 'invalidate', namespace, selection };
}

function readTopics(op: 'subscribe' | 'unsubscribe'): Reader {
  return (fields, { subscriptionsMax }) => {
    const topics: Topics = {
      keys: fields.keys('keys', subscriptionsMax) ?? [],
      prefixes: fields.keys('prefixes', subscriptionsMax) ?? [],
      tags: fields.tags('tags', subscriptionsMax) ?? [],
      all: fields.flag('all'),
    };
    const { keys, prefixes, tags, all } = topics;
    if (keys.length + prefixes.length + tags.length === 0 && !all) {
      throw invalidFrame('at least one of keys, prefixes, tags and all must be given');
    }
    return { op, namespace: fields.namespace(), topics };
  };
}
