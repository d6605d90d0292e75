import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import type { Change } from '../../server/changes/change-feed.js';
import {
  createFeedLinks,
  type FeedLink,
  FeedState,
  retireFeedLink,
} from '../../server/changes/feed-link.js';
import { createThreadFeed, type ThreadFeed } from '../../server/changes/thread-feed.js';
import { turns, until } from '../support/until.js';

/** The threads run what is built. */
const FEED_MODULE = new URL('../../dist/server/changes/thread-feed.js', import.meta.url).href;

const open: ThreadFeed[] = [];
const workers: Worker[] = [];

afterEach(async () => {
  for (const feed of open.splice(0)) feed.close();
  for (const worker of workers.splice(0)) await worker.terminate();
});

function openFeed(link?: FeedLink): ThreadFeed {
  const feed = createThreadFeed(link);
  open.push(feed);
  return feed;
}

function openFeeds(count: number): ThreadFeed[] {
  return createFeedLinks(count).map(openFeed);
}

function keyChange(...keys: string[]): Change {
  return { kind: 'keys', namespace: '', keys, action: 'update', tags: [] };
}

/** What a listener was told. */
function record(feed: ThreadFeed): { readonly changes: Change[]; readonly stop: () => void } {
  const changes: Change[] = [];
  return { changes, stop: feed.listen((change) => changes.push(change)) };
}

describe('the feed of one thread', () => {
  test('tells each listener before the publication returns, until it stops', () => {
    const feed = openFeed();
    expect(feed.isWatched).toBe(false);
    const first = record(feed);
    const second = record(feed);
    expect(feed.isWatched).toBe(true);
    feed.publish(keyChange('a'));
    first.stop();
    feed.publish({ kind: 'gap' });
    second.stop();
    expect(feed.isWatched).toBe(false);
    expect(first.changes).toEqual([keyChange('a')]);
    expect(second.changes).toEqual([keyChange('a'), { kind: 'gap' }]);
  });
});

describe('the feeds of several threads', () => {
  test('know at once that somebody listens, in whichever thread', () => {
    const feeds = openFeeds(40);
    const [first, last] = [feeds[0], feeds[39]] as [ThreadFeed, ThreadFeed];
    expect(first.isWatched).toBe(false);
    const one = record(last);
    const other = record(last);
    expect(feeds.every(({ isWatched }) => isWatched)).toBe(true);
    one.stop();
    expect(first.isWatched).toBe(true);
    other.stop();
    expect(feeds.some(({ isWatched }) => isWatched)).toBe(false);
  });

  test('tell the changes of one thread in order, those of a turn together', async () => {
    const [source, near, far] = openFeeds(3) as [ThreadFeed, ThreadFeed, ThreadFeed];
    const local = record(source);
    const remote = record(far);
    const expected: Change[] = [];
    for (let round = 0; round < 50; round++) {
      for (let index = 0; index < 20; index++) {
        const change = keyChange(`${round}:${index}`);
        expected.push(change);
        source.publish(change);
      }
      expect(local.changes.at(-1)).toEqual(expected.at(-1));
      if (round % 7 === 0) near.publish({ kind: 'tag', namespace: 'n', text: `${round}` });
      await turns(1);
    }
    await until('all have come', () => remote.changes.length === expected.length + 8);
    expect(remote.changes.filter(({ kind }) => kind === 'keys')).toEqual(expected);
    expect(remote.changes.filter(({ kind }) => kind === 'tag')).toHaveLength(8);
  });

  test('send nothing where nobody else listens', async () => {
    const links = createFeedLinks(2);
    const [source, other] = links.map(openFeed) as [ThreadFeed, ThreadFeed];
    const state = new FeedState(links[0] as FeedLink);
    record(source);
    source.publish(keyChange('before'));
    await turns(3);
    const remote = record(other);
    source.publish(keyChange('after'));
    await until('it has come', () => remote.changes.length > 0);
    await turns(3);
    expect(remote.changes).toEqual([keyChange('after')]);
    expect(state.backlogBatches).toBe(0);
  });

  test('tell what waits when they are closed, and nothing later', async () => {
    const [source, other] = openFeeds(2) as [ThreadFeed, ThreadFeed];
    const remote = record(other);
    source.publish(keyChange('last'));
    source.close();
    source.publish(keyChange('too late'));
    await until('it has come', () => remote.changes.length > 0);
    await turns(3);
    expect(remote.changes).toEqual([keyChange('last')]);
    other.close();
    expect(source.isWatched).toBe(false);
  });

  test('tell of a gap where a turn has more changes than are kept', async () => {
    const [source, other] = openFeeds(2) as [ThreadFeed, ThreadFeed];
    const remote = record(other);
    for (let index = 0; index < 10_000; index++) source.publish(keyChange(`${index}`));
    await until('something has come', () => remote.changes.length > 0);
    expect(remote.changes).toEqual([{ kind: 'gap' }]);
    source.publish(keyChange('on'));
    await until('it goes on', () => remote.changes.length > 1);
    expect(remote.changes[1]).toEqual(keyChange('on'));
  });
});

describe('threads that are stuck or dead', () => {
  /** A thread that listens, says so, and then does what the test wants. */
  async function spawnListener(link: FeedLink, then: string): Promise<Worker> {
    const source = `
      import { parentPort, workerData } from 'node:worker_threads';
      import { createThreadFeed } from ${JSON.stringify(FEED_MODULE)};
      const feed = createThreadFeed(workerData.link);
      feed.listen((change) => parentPort.postMessage(change));
      parentPort.postMessage('ready');
      ${then}
    `;
    const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    const worker = new Worker(url, { workerData: { link } });
    workers.push(worker);
    await once(worker, 'message');
    return worker;
  }

  test('a change reaches a listener in another thread, and its own come back', async () => {
    const [own, its] = createFeedLinks(2) as [FeedLink, FeedLink];
    const feed = openFeed(own);
    const then = `
      feed.publish({ kind: 'prefix', namespace: '', text: 'from the thread' });
      setInterval(() => undefined, 1000);
    `;
    const local = record(feed);
    const worker = await spawnListener(its, then);
    await until('its change has come', () => local.changes.length > 0);
    expect(local.changes).toEqual([{ kind: 'prefix', namespace: '', text: 'from the thread' }]);
    const received: unknown[] = [];
    worker.on('message', (change) => received.push(change));
    feed.publish(keyChange('to the thread'));
    await until('the thread has heard', () => received.includes('ready') || received.length > 1);
    expect(received).toContainEqual(keyChange('to the thread'));
  });

  test('a feed keeps no thread alive', async () => {
    const [own, its] = createFeedLinks(2) as [FeedLink, FeedLink];
    openFeed(own);
    const worker = await spawnListener(its, 'parentPort.unref();');
    // Its end may come in the very turn of its first message: then nobody would hear of it.
    await until('the thread has ended', () => worker.threadId === -1);
  });

  test('a dead thread is counted no more, and everybody is told of a gap', async () => {
    const [own, its, third] = createFeedLinks(3) as [FeedLink, FeedLink, FeedLink];
    const feed = openFeed(own);
    const worker = await spawnListener(its, 'setInterval(() => undefined, 1000);');
    expect(feed.isWatched).toBe(true);
    await worker.terminate();
    retireFeedLink(its);
    expect(feed.isWatched).toBe(false);
    const here = record(feed);
    const there = record(openFeed(third));
    retireFeedLink(its);
    await until('both know', () => here.changes.length > 0 && there.changes.length > 0);
    for (const { kind } of [...here.changes, ...there.changes]) expect(kind).toBe('gap');
    const next = await spawnListener(its, 'setInterval(() => undefined, 1000);');
    const received: unknown[] = [];
    next.on('message', (change) => received.push(change));
    feed.publish(keyChange('again'));
    await until('the new thread has heard', () => received.length > 0);
    expect(received).toEqual([keyChange('again')]);
  });

  test('what waits for a stuck thread is bounded, and nothing is lost silently', async () => {
    const [own, its, third] = createFeedLinks(3) as [FeedLink, FeedLink, FeedLink];
    const feed = openFeed(own);
    const state = new FeedState(own);
    const there = record(openFeed(third));
    await spawnListener(
      its,
      'for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);',
    );
    let published = 0;
    await until('the feed gives up on single changes', async () => {
      feed.publish(keyChange(String(published++)));
      await turns(1);
      return there.changes.some(({ kind }) => kind === 'gap');
    });
    expect(state.backlogBatches).toBeLessThan(1_100);
    const before = state.backlogBatches;
    for (let index = 0; index < 500; index++) {
      feed.publish(keyChange('more'));
      await turns(1);
    }
    expect(state.backlogBatches).toBeLessThan(before + 100);
    feed.publish(keyChange('last'));
    const known = there.changes.length;
    await until('the last change is told as a gap', () => there.changes.length > known);
    expect(there.changes.at(-1)).toEqual({ kind: 'gap' });
  });
});
