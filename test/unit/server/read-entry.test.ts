/** What a read asks of the codec, and what it makes of the answer; without sockets. */
import { describe, expect, test } from 'vitest';
import { ByteBudget } from '../../../server/byte-budget.js';
import { CacheWrites } from '../../../server/cache/cache-writes.js';
import { ThreadFeed } from '../../../server/changes/thread-feed.js';
import type {
  PresentedValue,
  SentForm,
  StoredValue,
  Wish,
} from '../../../server/codecs/stored-value.js';
import { EntryReader } from '../../../server/dialects/plain/read-entry.js';
import { RequestError } from '../../../server/error-table.js';
import { DEFAULT_SERVICE_SETTINGS } from '../../../server/service-settings.js';
import { createEngine } from '../../../src/index.js';
import { CodecDouble } from '../../server/support/codec-double.js';
import { ExchangeDouble } from '../../server/support/exchange-double.js';

type Present = (value: StoredValue, wish: Wish) => PresentedValue | Promise<PresentedValue>;

const CONVERTED = Buffer.from('as the client wants it');
const LARGE = Buffer.alloc(40_000, 'x');

interface Rig {
  /** The exchange after a read of the key. */
  read(key: string, headers?: Record<string, string>, method?: string): Promise<ExchangeDouble>;
  readonly exchanges: ExchangeDouble[];
  readonly wishes: Wish[];
  readonly reads: string[];
  readonly budget: ByteBudget;
}

/** Presents as a test says; only what is coded may go out as it is stored. */
class RiggedCodec extends CodecDouble {
  private readonly presentAs: Present;

  constructor(presentAs: Present) {
    super();
    this.presentAs = presentAs;
  }

  override isPlain(storedType?: string): boolean {
    return storedType === 'text/plain';
  }

  override asStored(type: string, accept: string, acceptEncoding: string): SentForm | undefined {
    if (accept !== '' || acceptEncoding !== 'lz4' || !type.startsWith('lz4:')) return undefined;
    return { contentType: 'text/plain', contentEncoding: 'lz4' };
  }

  override present(value: StoredValue, wish: Wish): PresentedValue | Promise<PresentedValue> {
    return this.presentAs(value, wish);
  }
}

async function openRig(present: Present, budgetBytes = 1_000_000): Promise<Rig & AsyncDisposable> {
  const engine = await createEngine({ memory: '8mb', workers: 0 });
  await engine.set('json', Buffer.from('{"a":1}'), { contentType: 'application/json' });
  await engine.set('coded', Buffer.from('compressed'), { contentType: 'lz4:text/plain' });
  await engine.set('plain', Buffer.from('plain'), { contentType: 'text/plain' });
  await engine.set('large', LARGE, { contentType: 'application/json' });
  const exchanges: ExchangeDouble[] = [];
  const wishes: Wish[] = [];
  const reads: string[] = [];
  const budget = new ByteBudget(budgetBytes);
  const reader = new EntryReader({
    store: engine,
    writes: new CacheWrites(engine, new ThreadFeed(), 1),
    codec: new RiggedCodec((value, wish) => {
      wishes.push(wish);
      return present(value, wish);
    }),
    metrics: {
      recordOperation: () => undefined,
      recordReads: (name, hits, misses) => reads.push(`${name} ${hits} ${misses}`),
      recordUnrouted: () => undefined,
    },
    budget,
    settings: DEFAULT_SERVICE_SETTINGS,
  });
  return {
    exchanges,
    wishes,
    reads,
    budget,
    read: async (key, headers = {}, method = 'GET') => {
      const exchange = new ExchangeDouble(method, `/cache/${key}`, Object.entries(headers));
      exchanges.push(exchange);
      await (method === 'HEAD' ? reader.head : reader.get)(exchange, key, '');
      return exchange;
    },
    [Symbol.asyncDispose]: () => engine.close(),
  };
}

const convert: Present = () => ({
  bytes: CONVERTED,
  contentType: 'application/msgpack',
  contentEncoding: undefined,
});
const asStored: Present = ({ bytes, storedType = '' }) => ({
  bytes,
  contentType: storedType,
  contentEncoding: undefined,
});

function header(exchange: ExchangeDouble, name: string): string | undefined {
  return exchange.written.find(([known]) => known.toLowerCase() === name)?.[1];
}

describe('a read', () => {
  test('asks no codec for what goes as it is stored', async () => {
    await using rig = await openRig(convert);
    for (const accept of ['', '*/*', 'application/json']) {
      const exchange = await rig.read('json', { accept });
      expect(Buffer.from(exchange.body ?? []).toString()).toBe('{"a":1}');
      expect(header(exchange, 'vary')).toBe('Accept, Accept-Encoding');
    }
    const plain = await rig.read('plain', { accept: 'application/msgpack' });
    expect(Buffer.from(plain.body ?? []).toString()).toBe('plain');
    expect(header(plain, 'vary')).toBeUndefined();
    expect(rig.wishes).toEqual([]);
    expect(rig.reads).toEqual(Array.from({ length: 4 }, () => 'default 1 0'));
    await rig.read('absent');
    expect(rig.reads.at(-1)).toBe('default 0 1');
  });

  test.each([
    ['at once', convert],
    ['later', async (value: StoredValue, wish: Wish) => convert(value, wish)],
  ])('gives the form that the client wants, under a tag of its own, %s', async (_, present) => {
    await using rig = await openRig(present);
    const headers = { accept: 'application/msgpack', 'accept-encoding': 'lz4' };
    const stored = await rig.read('json');
    const tag = header(stored, 'etag')?.replace(/"$/, '-msgpack"');
    const exchange = await rig.read('json', headers);
    expect(exchange.status).toBe(200);
    expect(Buffer.from(exchange.body ?? []).equals(CONVERTED)).toBe(true);
    expect(header(exchange, 'content-type')).toBe('application/msgpack');
    expect(header(exchange, 'etag')).toBe(tag);
    expect(header(exchange, 'vary')).toBe('Accept, Accept-Encoding');
    expect(rig.wishes).toEqual([{ accept: 'application/msgpack', acceptEncoding: '' }]);
    const known = await rig.read('json', { ...headers, 'if-none-match': tag ?? '' });
    expect([known.status, known.body, header(known, 'etag')]).toEqual([304, undefined, tag]);
    const other = { ...headers, 'if-none-match': header(stored, 'etag') ?? '' };
    expect((await rig.read('json', other)).status).toBe(200);
    const head = await rig.read('json', headers, 'HEAD');
    expect([header(head, 'content-length'), head.body]).toEqual(['22', undefined]);
    expect(rig.budget.usedBytes).toBe(0);
  });

  test('keeps the tag of what the codec leaves as it is', async () => {
    await using rig = await openRig(asStored);
    const stored = await rig.read('json');
    const exchange = await rig.read('json', { accept: 'text/html, */*;q=0.1' });
    expect(header(exchange, 'etag')).toBe(header(stored, 'etag'));
    expect(rig.wishes).toHaveLength(1);
  });

  test('gives what is compressed as it is to those who take it, else as the codec says', async () => {
    await using rig = await openRig(() => ({
      bytes: CONVERTED,
      contentType: 'text/plain',
      contentEncoding: undefined,
    }));
    const coded = await rig.read('coded', { 'accept-encoding': 'lz4' });
    expect(header(coded, 'content-encoding')).toBe('lz4');
    expect(header(coded, 'content-type')).toBe('text/plain');
    expect(Buffer.from(coded.body ?? []).toString()).toBe('compressed');
    expect(rig.wishes).toEqual([]);
    const decoded = await rig.read('coded');
    expect(header(decoded, 'content-encoding')).toBeUndefined();
    expect(Buffer.from(decoded.body ?? []).equals(CONVERTED)).toBe(true);
    expect(header(decoded, 'etag')).toBe(header(coded, 'etag')?.replace(/"$/, '-plain"'));
    expect(rig.wishes).toEqual([{ accept: '', acceptEncoding: '' }]);
  });

  test('bounds large answers, and gives back what it took when the codec fails', async () => {
    const accept = 'application/msgpack';
    await using rig = await openRig(asStored, LARGE.length - 1);
    for (const headers of [{}, { accept }]) {
      await expect(rig.read('large', headers)).rejects.toMatchObject({
        code: 'ERR_CACHE_OVERLOADED',
      });
    }
    const refusal = new RequestError('ERR_HTTP_NOT_ACCEPTABLE', 'as the test asked');
    for (const fail of [
      (): never => {
        throw refusal;
      },
      () => Promise.reject(refusal),
    ]) {
      await using failing = await openRig(fail);
      await expect(failing.read('large', { accept })).rejects.toBe(refusal);
      expect(failing.budget.usedBytes).toBe(0);
    }
    await using wide = await openRig(asStored);
    const exchange = await wide.read('large', { accept });
    expect(Buffer.from(exchange.body ?? []).equals(LARGE)).toBe(true);
    expect(wide.budget.usedBytes).toBe(0);
  });

  test('holds nothing for a client that went away meanwhile', async () => {
    const exchanges: ExchangeDouble[] = [];
    await using rig = await openRig(async ({ bytes }) => {
      await Promise.resolve();
      const [exchange] = exchanges;
      if (exchange !== undefined) exchange.isOpen = false;
      return { bytes, contentType: 'text/plain', contentEncoding: undefined };
    });
    const pending = rig.read('large', { accept: 'application/msgpack' });
    exchanges.push(...rig.exchanges);
    const exchange = await pending;
    expect([exchange.body, exchange.written]).toEqual([undefined, []]);
    expect(rig.budget.usedBytes).toBe(0);
  });
});
