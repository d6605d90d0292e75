import { malformedAnswer } from './client-error.js';
import { weightOf } from './encoded-value.js';
import { type Frame, type FrameMember, readValue } from './frame-codec.js';
import type {
  AnswerOf,
  EntryAnswer,
  EntryFields,
  FieldsOf,
  OperationName,
  Selection,
  Transport,
} from './operations.js';
import type { SocketLink } from './socket-link.js';

/** Heavier questions go over HTTP: the service closes sockets that send too long a message. */
export const SOCKET_WEIGHT_MAX: number = 256 * 1_024;

type Members = Readonly<Record<string, FrameMember | undefined>>;

/** Questions as frames on a WebSocket, see docs/WEBSOCKET.md. */
export class SocketTransport implements Transport {
  private readonly link: SocketLink;

  constructor(link: SocketLink) {
    this.link = link;
  }

  async send<Name extends OperationName>(
    name: Name,
    namespace: string,
    fields: FieldsOf<Name>,
    signal: AbortSignal,
  ): Promise<AnswerOf<Name>> {
    const members = namespace === '' ? fields : { namespace, ...fields };
    const frame = await this.link.request({ op: name, ...withoutEmpty(members) }, signal);
    // Which reader belongs to which name is known from the table alone.
    return ANSWER_READERS[name](frame) as AnswerOf<Name>;
  }

  /** Subscribes to more, or to less, and gives how many subscriptions the socket then has. */
  async follow(
    action: 'subscribe' | 'unsubscribe',
    namespace: string,
    selection: Selection,
    signal: AbortSignal,
  ): Promise<void> {
    const members: Members = { op: action, namespace, ...(selection as Members) };
    await this.link.request(members, signal);
  }
}

/** What a question weighs, about: bytes, or characters of text. */
export function weightOfFields(fields: FieldsOf<OperationName>): number {
  // Over HTTP the tags of one entry go in a header, which is bounded more tightly than a message.
  if ('value' in fields) return weightOf(fields.value);
  if ('keys' in fields) return weightOfTexts(fields.keys);
  return 'entries' in fields ? sum(fields.entries.map(weightOfEntry)) : 0;
}

/** As `weightOfFields`, of one entry. */
export function weightOfEntry({ key, value, tags }: EntryFields): number {
  return key.length + weightOf(value) + weightOfTexts(tags);
}

function weightOfTexts(texts: readonly string[]): number {
  return sum(texts.map(({ length }) => length));
}

function sum(weights: readonly number[]): number {
  return weights.reduce((total, weight) => total + weight, 0);
}

/** Lists that are empty say nothing. */
function withoutEmpty(members: object): Members {
  const rest: Record<string, FrameMember> = {};
  for (const [name, member] of Object.entries(members)) {
    if (name === 'entries') rest[name] = (member as readonly EntryFields[]).map(withoutEmpty);
    else if (name !== 'tags' || member.length > 0) rest[name] = member;
  }
  return rest;
}

const ANSWER_READERS: Readonly<Record<OperationName, (frame: Frame) => unknown>> = {
  get: readEntry,
  getMany: (frame) => readList(frame['entries']).map((entry) => readEntry(entry as Frame)),
  set: (frame) => frame['stored'] === true,
  setMany: (frame) => readCount(frame['stored']),
  delete: (frame) => frame['deleted'] === true,
  deleteMany: (frame) => readCount(frame['deleted']),
  touch: (frame) => frame['touched'] === true,
  invalidate: (frame) => readCount(frame['deleted']),
};

function readEntry(frame: Frame): EntryAnswer {
  if (frame['hit'] === false) return { hit: false };
  const { ttlMs, ageMs } = frame;
  if (frame['hit'] !== true || (ttlMs !== null && typeof ttlMs !== 'number')) {
    throw malformedAnswer('the answer to a read says neither hit nor miss');
  }
  return {
    hit: true,
    value: readValue(frame['value'], frame['encoding']),
    ttlMs: ttlMs ?? Number.POSITIVE_INFINITY,
    ageMs: typeof ageMs === 'number' ? ageMs : undefined,
  };
}

function readList(list: unknown): readonly unknown[] {
  if (Array.isArray(list)) return list;
  throw malformedAnswer('the answer to a batch has no list of entries');
}

function readCount(count: unknown): number {
  if (typeof count === 'number') return count;
  throw malformedAnswer('the answer to a write has no count');
}
