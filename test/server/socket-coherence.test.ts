/** Whether a client that drops copies on pushes ever keeps one that is out of date. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createFeedLinks } from '../../server/changes/feed-link.js';
import { createThreadFeed, type ThreadFeed } from '../../server/changes/thread-feed.js';
import type { Engine } from '../../src/index.js';
import { createPrng, type Prng, replayCommand, seedFromEnvironment } from '../support/prng.js';
import { scale } from '../support/scale.js';
import { turns, until } from '../support/until.js';
import { CodecDouble } from './support/codec-double.js';
import { SocketClient } from './support/socket-client.js';
import { type Frame, SocketDouble } from './support/socket-double.js';
import { createSocketRig, type SocketRig } from './support/socket-rig.js';
import { openEngine, serveStore, TRANSPORT_KINDS } from './support/test-service.js';

const KEYS = Array.from(
  { length: 12 },
  (_, index) => `${index % 2 === 0 ? 'even' : 'odd'}:${index}`,
);
const TAGS = ['red', 'green'];
const FILE = 'test/server/socket-coherence.test.ts';

let engine: Engine;
const feeds: ThreadFeed[] = [];

beforeAll(async () => {
  engine = await openEngine();
});

afterEach(() => {
  for (const feed of feeds.splice(0)) feed.close();
});

/** Copies as a client keeps them: added by answers, dropped by pushes, in the order they come. */
class Copies {
  readonly kept = new Map<string, unknown>();
  /** Keys of the reads that are under way, by id. */
  readonly reading = new Map<number, string>();

  take(frame: Frame): void {
    const { id, event } = frame;
    if (event === undefined) {
      const key = this.reading.get(id as number);
      this.reading.delete(id as number);
      if (key === undefined || frame['ok'] !== true) return;
      this.kept.set(key, frame['hit'] === true ? frame['value'] : undefined);
      return;
    }
    const { keys, prefix } = frame as { keys?: string[]; prefix?: string };
    if (keys !== undefined) for (const key of keys) this.kept.delete(key);
    else if (prefix === undefined) this.kept.clear();
    else for (const key of [...this.kept.keys()]) if (key.startsWith(prefix)) this.kept.delete(key);
  }

  /** Compares with what the cache holds, now that nothing is under way. */
  check(read: (key: string) => unknown, message: string): void {
    for (const [key, value] of this.kept) expect(value, `${message}: ${key}`).toEqual(read(key));
  }
}

function readEngine(key: string): unknown {
  const bytes = engine.getBytes(key);
  return bytes === undefined ? undefined : JSON.parse(Buffer.from(bytes).toString());
}

let writeCount = 0;

/** A random change, as a request of a socket. */
function randomWrite(prng: Prng): object {
  const key = prng.pick(KEYS);
  const value = { count: writeCount++ };
  switch (prng.nextBelow(8)) {
    case 0:
      return { op: 'delete', key };
    case 1:
      return { op: 'setMany', entries: [key, prng.pick(KEYS)].map((of) => ({ key: of, value })) };
    case 2:
      return { op: 'deleteMany', keys: [key, prng.pick(KEYS)] };
    case 3:
      return { op: 'invalidate', prefix: prng.pick(['even:', 'odd:', 'even:1', 'o']) };
    case 4:
      return prng.nextBelow(2) === 0
        ? { op: 'invalidate', tag: prng.pick(TAGS) }
        : { op: 'invalidate', glob: prng.pick(['*:1*', 'even:*', 'odd:?']) };
    default:
      return { op: 'set', key, value, tags: [prng.pick(TAGS)] };
  }
}

/** A client over a socket without a connection. */
class DoubleClient {
  readonly copies = new Copies();
  private readonly socket: SocketDouble;
  private nextId = 1;
  private takenCount = 0;

  constructor(rig: SocketRig, topics: object) {
    this.socket = SocketDouble.open(rig.server.upgrade);
    this.socket.receive({ id: 0, op: 'subscribe', ...topics });
  }

  get unanswered(): number {
    return this.nextId - 1 - this.socket.frames.filter(({ id }) => Number(id) > 0).length;
  }

  read(key: string): void {
    this.copies.reading.set(this.nextId, key);
    this.send({ op: 'get', key });
  }

  send(request: object): void {
    this.socket.receive({ id: this.nextId++, ...request });
  }

  /** Reads what has come, as late as the test wants. */
  takeSome(countMax: number): void {
    const frames = this.socket.frames.slice(this.takenCount, this.takenCount + countMax);
    for (const frame of frames) this.copies.take(frame);
    this.takenCount += frames.length;
  }

  stick(): void {
    this.socket.isStuck = true;
  }

  drain(): void {
    this.socket.drain();
  }
}

describe('copies that are dropped on pushes are never out of date', () => {
  test.each([
    ['in one thread', 1],
    ['over the feeds of two threads', 2],
  ])('%s, whoever writes and however long conversions take', async (_title, threadCount) => {
    const seed = seedFromEnvironment();
    const prng = createPrng(seed);
    const again = replayCommand(seed, FILE);
    for (let round = 0; round < 30 * scale(); round++) {
      const links = createFeedLinks(threadCount);
      const codec = new CodecDouble();
      const rigs = links.map((link) => {
        const feed = createThreadFeed(link);
        feeds.push(feed);
        return createSocketRig(engine, { feed, codec });
      });
      const topics = [{ all: true }, { keys: KEYS }, { prefixes: ['even:', 'odd:'] }];
      const clients = topics.flatMap((of) => rigs.map((rig) => new DoubleClient(rig, of)));
      for (let step = 0; step < 120; step++) {
        const client = prng.pick(clients);
        switch (prng.nextBelow(12)) {
          case 0:
            codec.hold();
            break;
          case 1:
            codec.release();
            break;
          case 2:
            client.stick();
            break;
          case 3:
            client.drain();
            break;
          case 4:
            await turns(1);
            break;
          case 5:
          case 6:
            client.send(randomWrite(prng));
            break;
          case 7: {
            // As a request over HTTP does.
            const { writes } = prng.pick(rigs);
            const bytes = Buffer.from(JSON.stringify({ count: writeCount++ }));
            const value = { bytes, storedType: 'application/json' };
            const options = { ttlMs: undefined, tags: [] };
            void writes.set({ namespace: '', key: prng.pick(KEYS) }, value, options);
            break;
          }
          default:
            client.read(prng.pick(KEYS));
        }
        prng.pick(clients).takeSome(1 + prng.nextBelow(5));
      }
      for (const client of clients) client.drain();
      await until('all is answered', () => {
        codec.release();
        return clients.every(({ unanswered }) => unanswered === 0);
      });
      await turns(5);
      for (const client of clients) {
        client.takeSome(Number.POSITIVE_INFINITY);
        expect(client.copies.reading.size, again).toBe(0);
        client.copies.check(readEngine, again);
      }
      for (const feed of feeds.splice(0)) feed.close();
    }
  });

  test.each(TRANSPORT_KINDS)('over real sockets of %s, with writers over HTTP', async (kind) => {
    const seed = seedFromEnvironment();
    const prng = createPrng(seed);
    const { port, url } = await serveStore(engine, {}, undefined, kind);
    const clients = await Promise.all([1, 2, 3].map(() => SocketClient.open(port)));
    const copies = clients.map(() => new Copies());
    for (const [index, client] of clients.entries()) {
      const own = copies[index] as Copies;
      client.onPush = (push) => own.take(push);
      await client.ask({ op: 'subscribe', all: true });
    }
    const pending: Promise<unknown>[] = [];
    for (let step = 0; step < 600 * scale(); step++) {
      const index = prng.nextBelow(clients.length);
      const client = clients[index] as SocketClient;
      const own = copies[index] as Copies;
      const key = prng.pick(KEYS);
      const action = prng.nextBelow(8);
      if (action < 2) {
        pending.push(client.ask(randomWrite(prng)));
      } else if (action < 4) {
        const body = JSON.stringify({ count: writeCount++ });
        const headers = { 'Content-Type': 'application/json' };
        const target = `${url}/cache/${encodeURIComponent(key)}`;
        pending.push(fetch(target, { method: 'PUT', headers, body }).then((it) => it.text()));
      } else {
        client.onAnswer = (frame) => own.take(frame);
        pending.push(client.ask({ op: 'get', key }, (id) => own.reading.set(id, key)));
      }
      if (pending.length % 20 === 0) await turns(1);
      if (pending.length > 100) await Promise.all(pending.splice(0));
    }
    await Promise.all(pending);
    // Pushes come in order: behind the answer to this there is none of what was written before.
    for (const client of clients) await client.ask({ op: 'ping' });
    for (const own of copies) own.check(readEngine, replayCommand(seed, FILE));
    for (const client of clients) client.socket.terminate();
  });
});
