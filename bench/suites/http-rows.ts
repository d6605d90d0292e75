import type { TransportName } from '../http-constant.js';
import { PUT_HEADERS, putValue, send } from '../lib/cache-server.js';
import type { LoadRequest } from '../lib/http-load.js';
import { createRandom } from '../lib/random.js';
import { atLeast, type Goal } from '../lib/suite.js';
import { benchKey, createWorkload } from '../lib/workload.js';

const KIB = 1_024;
const BATCH_KEYS = 100;
const JSON_HEADERS = { 'content-type': 'application/json' };
const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/';

/** One question about the service: what is sent, and beside what. */
export interface HttpRow {
  readonly name: string;
  readonly transport: TransportName;
  readonly path: string;
  /** A GET without it; `socket` is a message to a WebSocket instead. */
  readonly request?: LoadRequest;
  readonly socket?: { readonly protocol: string; readonly message: string };
  /** Stores what the requests ask for. */
  prepare(url: string): Promise<void>;
  /** The least share of the constant answer's rate. */
  readonly constantGoal?: Goal;
  /** The same work in Redis: a value to store first, and words of redis-benchmark. */
  readonly redis?: {
    readonly words: readonly string[];
    /** Keys that must be there besides the one of redis-benchmark. */
    readonly entries?: ReadonlyMap<string, string>;
    readonly goal?: Goal;
    /** Whether every request must be a hit. */
    readonly countsHits: boolean;
  };
}

/** Text that LZ4 cannot make smaller. */
function noise(length: number, seed: number): Buffer {
  const random = createRandom(seed);
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = ALPHABET.charCodeAt(random.below(64));
  return bytes;
}

function keyRow(name: string, value: Buffer, rest: Partial<HttpRow> = {}): HttpRow {
  const path = `/cache/${benchKey(1)}`;
  return {
    name,
    transport: 'uws',
    path,
    prepare: (url) => putValue(url + path, value),
    ...rest,
  };
}

/** A list of records, as answers of databases are: LZ4 makes it about a quarter. */
function records(length: number): Buffer {
  let text = '[';
  for (let id = 0; text.length < length; id++) {
    text += `${id === 0 ? '' : ','}{"id":${id},"name":"Customer ${id}","active":true}`;
  }
  return Buffer.from(`${text}]`, 'latin1');
}

async function storeBatch(url: string, keys: readonly string[], values: readonly Buffer[]) {
  const entries = keys.map((key, index) => ({ key, value: String(values[index]), ttl: 3_600 }));
  const body = Buffer.from(JSON.stringify({ entries }));
  const { status } = await send('POST', `${url}/cache/batch/set`, body, JSON_HEADERS);
  if (status !== 200) throw new Error(`POST /cache/batch/set answered ${status}`);
}

/** The rows; the same seed gives the same values. */
export function createHttpRows(seed: number): readonly HttpRow[] {
  const { values } = createWorkload(BATCH_KEYS, seed);
  const value = values[0] as Buffer;
  const keys = Array.from({ length: BATCH_KEYS }, (_, index) => benchKey(index));
  const hit = keyRow('get.hit', value);
  return [
    {
      ...hit,
      constantGoal: atLeast(0.92),
      redis: { words: ['-t', 'get'], goal: atLeast(1.2), countsHits: true },
    },
    keyRow('get.hit.node', value, { transport: 'node' }),
    keyRow('get.hit.1KiB', noise(KIB, seed)),
    keyRow('get.hit.64KiB', noise(64 * KIB, seed)),
    keyRow('get.hit.4KiB.lz4', records(4 * KIB), {}),
    keyRow('put', value, {
      request: { method: 'PUT', headers: PUT_HEADERS, body: value },
      redis: { words: ['-t', 'set', '-d', String(value.length)], countsHits: false },
    }),
    {
      name: 'batch.get.100',
      transport: 'uws',
      path: '/cache/batch/get',
      prepare: (url) => storeBatch(url, keys, values),
      request: {
        method: 'POST',
        headers: JSON_HEADERS,
        body: Buffer.from(JSON.stringify({ keys })),
      },
      redis: {
        words: ['mget', ...keys],
        entries: new Map(keys.map((key, index) => [key, String(values[index])])),
        countsHits: true,
      },
    },
    {
      ...hit,
      name: 'ws.get',
      path: '/ws',
      prepare: (url) => putValue(`${url}/cache/${benchKey(1)}`, value),
      socket: {
        protocol: 'hotshard.json.v1',
        message: JSON.stringify({ id: 1, op: 'get', key: benchKey(1) }),
      },
    },
  ];
}
