import { expect, test } from 'vitest';
import type { CacheClient, CachedValue, ClientOptions } from '../../src/client/client.js';
import {
  openEngine,
  serveStore,
  TRANSPORT_KINDS,
  type TransportKind,
} from '../server/support/test-service.js';
import { createPrng, type Prng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scale, scaled } from '../support/scale.js';
import { settles, until } from '../support/until.js';
import { openClient } from './support/open-client.js';

const CLIENTS = 3;
const KEYS_OF_EACH = 4;
const FIBRES = 3;
const STEPS = scaled(150);
/** Fewer would show nothing: clients go on until they have as many, whoever came when. */
const NEAR_HITS_MIN = 20;
const STEPS_MAX = 10 * STEPS;
const FILE = 'test/client/coherence.test.ts';

/** What a writer stores: each of its writes to a key counts one higher. */
interface Stored {
  readonly count: number;
}

/** The newest that a client has seen of a key. */
interface Seen {
  readonly count: number;
  /** Whether it was seen to be gone again: then only something newer may come back. */
  readonly isGone: boolean;
}

/**
 * One of several clients: each key is written by one of them alone, so that "older" has a meaning
 * for all; everybody reads all keys, and invalidates in every way.
 */
class Participant {
  readonly client: CacheClient;
  private readonly prng: Prng;
  private readonly ownKeys: readonly string[];
  private readonly allKeys: readonly string[];
  private readonly seen = new Map<string, Seen>();
  private readonly counts = new Map<string, number>();
  nearHits = 0;

  constructor(client: CacheClient, index: number, prng: Prng, allKeys: readonly string[]) {
    this.client = client;
    this.prng = prng;
    this.allKeys = allKeys;
    this.ownKeys = allKeys.filter((key) => key.startsWith(`p${index}:`));
  }

  async run(): Promise<void> {
    const hasMore = (step: number): boolean =>
      step < STEPS || (this.nearHits <= NEAR_HITS_MIN && step < STEPS_MAX);
    for (let step = 0; hasMore(step); step++) {
      const choice = this.prng.nextBelow(100);
      if (choice < 70) await this.read(this.prng.pick(this.allKeys));
      else if (choice < 74) await this.readMany();
      else if (choice < 94) await this.write(this.prng.pick(this.ownKeys));
      else await this.invalidate();
    }
  }

  private async read(key: string): Promise<void> {
    const before = this.seen.get(key);
    this.judge(key, before, await this.client.getWithMeta<Stored>(key));
  }

  private async readMany(): Promise<void> {
    const keys = [this.prng.pick(this.allKeys), this.prng.pick(this.allKeys)];
    const before = keys.map((key) => this.seen.get(key));
    const values = await this.client.getMany<Stored>(keys);
    keys.forEach((key, index) => {
      this.judge(key, before[index], { value: values[index] });
    });
  }

  private judge(
    key: string,
    before: Seen | undefined,
    { value, source }: Pick<CachedValue<Stored>, 'value'> & { readonly source?: string },
  ): void {
    if (source === 'near') this.nearHits++;
    const now = this.seen.get(key);
    if (value === undefined) {
      // Gone after it was seen, if nobody saw anything else meanwhile.
      if (before !== undefined && now === before) {
        this.seen.set(key, { count: before.count, isGone: true });
      }
      return;
    }
    const floor = before === undefined ? 0 : before.count + (before.isGone ? 1 : 0);
    const isOlder = value.count < floor;
    if (isOlder) {
      throw new Error(
        `${key}: read ${value.count} from ${source}, after ${JSON.stringify(before)}`,
      );
    }
    if (now === undefined || value.count > now.count) {
      this.seen.set(key, { count: value.count, isGone: false });
    }
  }

  /** Not before the last write to the key has ended: their order is the order of the counts. */
  private async write(key: string): Promise<void> {
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    const tags = this.prng.nextBelow(2) === 0 ? [`t${this.prng.nextBelow(2)}`] : [];
    const before = this.seen.get(key);
    if (this.prng.nextBelow(8) === 0) await this.client.setMany([[key, { count }]], { tags });
    else await this.client.set(key, { count }, { tags });
    if (this.seen.get(key) === before) this.seen.set(key, { count, isGone: false });
  }

  private async invalidate(): Promise<void> {
    const key = this.prng.pick(this.allKeys);
    switch (this.prng.nextBelow(5)) {
      case 0:
        await this.client.delete(key);
        return;
      case 1:
        await this.client.deleteMany([key, this.prng.pick(this.allKeys)]);
        return;
      case 2:
        await this.client.invalidate({ prefix: key.slice(0, 3) });
        return;
      case 3:
        await this.client.invalidate({ glob: `p?:${this.prng.nextBelow(KEYS_OF_EACH)}` });
        return;
      default:
        await this.client.invalidate({ tag: `t${this.prng.nextBelow(2)}` });
    }
  }
}

/** After everybody has stopped: what each client answers is what the service holds. */
async function expectAgreement(
  url: string,
  participants: readonly Participant[],
  allKeys: readonly string[],
): Promise<void> {
  for (const { client } of participants) {
    // Pushes of all writes are on their way before this is answered.
    await client.get('a key that nobody writes');
    for (const key of allKeys) {
      const value = await client.get(key);
      expect(value, key).toEqual(await askService(url, key));
    }
  }
}

/** What the service says, past all copies. */
async function askService(url: string, key: string): Promise<unknown> {
  const response = await fetch(`${url}/cache/${encodeURIComponent(key)}`, {
    headers: { Accept: 'application/json' },
  });
  return response.status === 200 ? response.json() : undefined;
}

const CODECS = ['json', 'msgpack'] as const;
const CASES = TRANSPORT_KINDS.flatMap((kind) => CODECS.map((codec) => [kind, codec] as const));

test.each<readonly [TransportKind, NonNullable<ClientOptions['codec']>]>(CASES)(
  'copies stay coherent while other clients write: %s, %s',
  async (kind, codec) => {
    const seed = seedFromEnvironment();
    const prng = createPrng(seed);
    const engine = await openEngine();
    const { url } = await serveStore(engine, {}, undefined, kind);
    const allKeys = Array.from(
      { length: CLIENTS * KEYS_OF_EACH },
      (_, index) => `p${index % CLIENTS}:${Math.floor(index / CLIENTS)}`,
    );
    const participants = Array.from({ length: CLIENTS }, (_, index) => {
      const client = openClient({ url, codec, nearCache: { maxEntries: 8 }, timeoutMs: 30_000 });
      return new Participant(client, index, createPrng(prng.nextUint32()), allKeys);
    });
    const fibres = participants.flatMap((participant) =>
      Array.from({ length: FIBRES }, () => participant.run()),
    );
    try {
      await settles('the clients', Promise.all(fibres), 50_000 * Math.max(1, scale()));
      await expectAgreement(url, participants, allKeys);
    } catch (error) {
      throw new Error(`failed; ${replayCommand(seed, FILE)}`, { cause: error });
    }
    const nearHits = participants.map((participant) => participant.nearHits);
    expect(Math.min(...nearHits)).toBeGreaterThan(NEAR_HITS_MIN);
  },
);

test('a change is seen by the copies of others soon after it was answered', async () => {
  const engine = await openEngine();
  const { url } = await serveStore(engine);
  const [writer, reader] = [openClient({ url }), openClient({ url, nearCache: {} })];
  await writer.set('k', 0);
  for (let count = 1; count <= 50; count++) {
    await until('a copy is served', async () => {
      const { source } = await reader.getWithMeta('k');
      return source === 'near';
    });
    await writer.set('k', count);
    await until('the change is seen', async () => (await reader.get('k')) === count);
  }
});
