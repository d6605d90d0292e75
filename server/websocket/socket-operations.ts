import type { StoredValue } from '../codecs/stored-value.js';
import { countDone } from '../dialects/batch-writes.js';
import type { DialectParts } from '../dialects/dialect-parts.js';
import type { NamespaceClass } from '../observability/service-metrics.js';
import type { OperationName } from '../operation-names.js';
import { EntryReader, type ReadEntry } from './entry-reader.js';
import type { FrameFormat, MessageObject, MessageValue, PresentedMember } from './frame-format.js';
import type { EntryToSet, SocketOperation, SocketRequest, Topics } from './socket-request.js';

/** What answers a request, besides its id. */
export interface Answer {
  readonly members: MessageObject;
  /** Bytes of the budget that it holds until it is with the client. */
  readonly heldBytes: number;
}

/** The subscriptions of the socket that asks. */
export interface TopicsOfSocket {
  /** @throws {RequestError} `ERR_SOCKET_TOO_MANY_SUBSCRIPTIONS`; nothing is added then */
  subscribe(namespace: string, topics: Topics): number;
  unsubscribe(namespace: string, topics: Topics): number;
}

/** What metrics call the operations. */
export const OPERATION_NAMES_OF_SOCKETS: Readonly<Record<SocketOperation, OperationName>> = {
  get: 'get',
  set: 'set',
  delete: 'delete',
  getMany: 'batch_get',
  setMany: 'batch_set',
  deleteMany: 'batch_delete',
  touch: 'set_ttl',
  invalidate: 'invalidate',
  subscribe: 'subscribe',
  unsubscribe: 'unsubscribe',
  ping: 'status',
};

/**
 * Converts the values that a request brings. Nothing of the request may be carried out before, and
 * no later request of its socket: writes are applied in the order in which they were sent.
 *
 * @throws {RequestError} also as a rejection
 */
export function admitValues(
  { codec }: DialectParts,
  format: FrameFormat,
  request: SocketRequest,
): readonly StoredValue[] | Promise<readonly StoredValue[]> {
  const entries: readonly EntryToSet[] =
    request.op === 'set' ? [request.entry] : request.op === 'setMany' ? request.entries : [];
  let isLater = false;
  const values = entries.map(({ value, encoding }) => {
    const admitted = format.admit(codec, value, encoding);
    if (admitted instanceof Promise) {
      isLater = true;
      // Whoever awaits all of them is told; a later entry may throw before anybody does.
      admitted.catch(() => undefined);
    }
    return admitted;
  });
  return isLater ? Promise.all(values) : (values as StoredValue[]);
}

/**
 * Carries a request out. What it does to the cache has been handed to the engine when the call
 * returns, and what it reads has been read: requests that come later see it.
 *
 * @param values of `admitValues`
 * @throws {RequestError} also as a rejection
 */
export function carryOut(
  parts: DialectParts,
  format: FrameFormat,
  request: SocketRequest,
  values: readonly StoredValue[],
  topics: TopicsOfSocket,
): Answer | Promise<Answer> {
  const { writes } = parts;
  const { namespace } = request;
  switch (request.op) {
    case 'get':
      return readOne(parts, format, namespace, request.key);
    case 'getMany':
      return readMany(parts, format, namespace, request.keys);
    case 'set':
      return writes
        .set({ namespace, key: request.entry.key }, values[0] as StoredValue, {
          ttlMs: request.entry.ttlMs,
          tags: request.entry.tags,
          ...(request.only !== undefined && { only: request.only }),
        })
        .then((isStored) => answer('stored', isStored));
    case 'setMany':
      return countDone(
        request.entries.map(({ key, ttlMs, tags }, index) => {
          return writes.set({ namespace, key }, values[index] as StoredValue, { ttlMs, tags });
        }),
      ).then((count) => answer('stored', count));
    case 'delete':
      return writes
        .delete({ namespace, key: request.key })
        .then((isDeleted) => answer('deleted', isDeleted));
    case 'deleteMany':
      return countDone(request.keys.map((key) => writes.delete({ namespace, key }))).then((count) =>
        answer('deleted', count),
      );
    case 'touch': {
      const { key, ttlMs } = request;
      const change =
        ttlMs === 'never' ? { kind: 'persist' as const } : { kind: 'set' as const, ttlMs };
      return writes
        .setTtl({ namespace, key }, change)
        .then((isThere) => answer('touched', isThere));
    }
    case 'invalidate':
      return writes.invalidate(request.selection).then((count) => answer('deleted', count));
    case 'subscribe':
    case 'unsubscribe':
      // Says whether the name is one.
      writes.find(namespace);
      return answer('subscriptions', topics[request.op](namespace, request.topics));
    case 'ping':
      return { members: new Map(), heldBytes: 0 };
  }
}

function answer(name: string, value: MessageValue): Answer {
  return { members: new Map([[name, value]]), heldBytes: 0 };
}

function readOne(
  parts: DialectParts,
  format: FrameFormat,
  namespace: string,
  key: string,
): Answer | Promise<Answer> {
  return readEntries(parts, namespace, [key], (entries) => {
    const [entry] = entries;
    return presentEntry(parts, format, entry);
  });
}

function readMany(
  parts: DialectParts,
  format: FrameFormat,
  namespace: string,
  keys: readonly string[],
): Answer | Promise<Answer> {
  return readEntries(parts, namespace, keys, (entries) => {
    const members = entries.map((entry) => presentEntry(parts, format, entry));
    const isLater = members.some((member) => member instanceof Promise);
    const wrap = (list: readonly MessageObject[]): MessageObject => new Map([['entries', list]]);
    return isLater ? Promise.all(members).then(wrap) : wrap(members as MessageObject[]);
  });
}

/** Reads, counts, and sees to it that what was taken of the budget is given back on a failure. */
function readEntries(
  { store, writes, budget, settings, metrics }: DialectParts,
  namespace: string,
  keys: readonly string[],
  present: (entries: readonly (ReadEntry | undefined)[]) => MessageObject | Promise<MessageObject>,
): Answer | Promise<Answer> {
  const reader = new EntryReader(budget, settings.valueBytesMax);
  const release = (error: unknown): never => {
    reader.release();
    throw error;
  };
  try {
    const space = writes.find(namespace);
    const entries = keys.map((key) => reader.read(space, store, key));
    const hitCount = entries.filter((entry) => entry !== undefined).length;
    metrics.recordReads(classOf(namespace), hitCount, entries.length - hitCount);
    const end = (members: MessageObject): Answer => ({ members, heldBytes: reader.heldBytes });
    const members = present(entries);
    return members instanceof Promise ? members.then(end).catch(release) : end(members);
  } catch (error) {
    return release(error);
  }
}

function classOf(namespace: string): NamespaceClass {
  return namespace === '' ? 'default' : 'named';
}

function presentEntry(
  { codec }: DialectParts,
  format: FrameFormat,
  entry: ReadEntry | undefined,
): MessageObject | Promise<MessageObject> {
  if (entry === undefined) return new Map([['hit', false]]);
  const compose = ({ value, encoding }: PresentedMember): MessageObject => {
    const members = new Map<string, MessageValue>([
      ['hit', true],
      ['value', value],
    ]);
    if (encoding !== undefined) members.set('encoding', encoding);
    return members
      .set('ttlMs', entry.ttlMs)
      .set('ageMs', entry.ageMs)
      .set('version', entry.version);
  };
  const presented = format.present(codec, entry);
  return presented instanceof Promise ? presented.then(compose) : compose(presented);
}
