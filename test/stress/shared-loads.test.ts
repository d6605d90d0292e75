/** Single-flight over threads: what 4 threads miss at once is loaded once. */
import { afterEach, describe, expect, it } from 'vitest';
import { createEngine, type Engine, type EngineOptions } from '../../src/index.js';
import { AttachedThread } from '../support/attached-thread.js';
import { settles, until } from '../support/until.js';

const THREADS = 4;
const CALLERS_PER_THREAD = 2_500;

const KINDS: readonly (readonly [string, EngineOptions])[] = [0, 1].flatMap((workers) =>
  (['inplace', 'ring'] as const).map(
    (kind) =>
      [
        `${workers} workers, writes ${kind}`,
        { memory: '16mb', workers, writes: { kind } },
      ] as const,
  ),
);

type Counts = Readonly<Record<string, number>>;

/** Threads with the words of `loader-thread.mjs`. */
class Crowd {
  readonly words: Int32Array = new Int32Array(new SharedArrayBuffer(12));
  readonly threads: AttachedThread[] = [];

  constructor(engine: Engine, count: number) {
    for (let i = 0; i < count; i++) {
      const data = { words: this.words };
      this.threads.push(new AttachedThread(engine.handle(), 'loader-thread.mjs', data));
    }
  }

  ready(): Promise<unknown> {
    return Promise.all(this.threads.map((thread) => thread.call('attach')));
  }

  get calls(): number {
    return Atomics.load(this.words, 0);
  }

  /** Loaders may go on. */
  open(): void {
    Atomics.store(this.words, 1, 1);
  }

  loading(count = 1): Promise<void> {
    return until(`${count} loaders run`, () => Atomics.load(this.words, 2) >= count);
  }

  end(): Promise<unknown> {
    return Promise.all(this.threads.map((thread) => thread.terminate()));
  }
}

/** The sum of outcomes by their text. */
function total(all: readonly Counts[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const counts of all) {
    for (const [text, count] of Object.entries(counts)) sum[text] = (sum[text] ?? 0) + count;
  }
  return sum;
}

describe.each(KINDS)('loads of %s', (_kind, options) => {
  let engine: Engine | undefined;
  let crowd: Crowd | undefined;

  afterEach(async () => {
    await crowd?.end();
    await engine?.close();
  });

  async function begin(count = THREADS): Promise<{ engine: Engine; crowd: Crowd }> {
    engine = await createEngine(options);
    crowd = new Crowd(engine, count);
    await crowd.ready();
    return { engine, crowd };
  }

  it('R29: 10,000 callers in 4 threads call the loader once', async () => {
    const { engine, crowd } = await begin();
    const answers = crowd.threads.map((thread) =>
      thread.call<Counts>('load', 'popular', CALLERS_PER_THREAD, 'value'),
    );
    // The other threads wait for the lease of the one that loads.
    await crowd.loading();
    await until('the others wait', () => engine.stats().leaseWaits >= THREADS - 1);
    crowd.open();
    const value = JSON.stringify({ key: 'popular', from: 'loader' });
    const counts = await settles('the loads', Promise.all(answers));
    expect(total(counts)).toEqual({ [value]: THREADS * CALLERS_PER_THREAD });
    expect(crowd.calls).toBe(1);
    expect(engine.get('popular')).toEqual({ key: 'popular', from: 'loader' });
    expect(engine.stats()).toMatchObject({ leasesGranted: 1, leasesActive: 0, fillsRefused: 0 });
  });

  it('loads each of many keys once, whichever thread is first', async () => {
    const { engine, crowd } = await begin();
    crowd.open();
    const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`);
    const answers = crowd.threads.flatMap((thread) =>
      keys.map((key) => thread.call<Counts>('load', key, 5, 'value')),
    );
    await settles('the loads', Promise.all(answers));
    expect(crowd.calls).toBe(keys.length);
    expect(engine.stats()).toMatchObject({ leasesGranted: keys.length, leasesActive: 0 });
  });

  it('tells all threads when the loader fails', async () => {
    const { engine, crowd } = await begin();
    const answers = crowd.threads.map((thread) =>
      thread.call<Counts>('load', 'failing', 100, 'failure'),
    );
    await crowd.loading();
    await until('the others wait', () => engine.stats().leaseWaits >= THREADS - 1);
    crowd.open();
    expect(total(await settles('the loads', Promise.all(answers)))).toEqual({
      'Error: the source is down': 100,
      'ERR_CACHE_LOAD_FAILED: getOrLoad: the load failed: the source is down': 300,
    });
    expect(crowd.calls).toBe(1);
    expect(engine.has('failing')).toBe(false);
  });

  it('tells all threads that there is nothing, and stores nothing', async () => {
    const { engine, crowd } = await begin();
    const answers = crowd.threads.map((thread) =>
      thread.call<Counts>('load', 'nothing', 100, 'nothing'),
    );
    await crowd.loading();
    await until('the others wait', () => engine.stats().leaseWaits >= THREADS - 1);
    crowd.open();
    expect(total(await settles('the loads', Promise.all(answers)))).toEqual({ undefined: 400 });
    expect(crowd.calls).toBe(1);
    expect(engine.has('nothing')).toBe(false);
  });

  it('R29: the thread that loads is killed: the others are answered, 2 calls at most', async () => {
    const { engine, crowd } = await begin();
    const [leader, ...followers] = crowd.threads as [AttachedThread, ...AttachedThread[]];
    leader.call('load', 'orphan', 100, 'never').catch(() => undefined);
    await crowd.loading();
    const answers = followers.map((thread) =>
      thread.call<Counts>('load', 'orphan', 100, 'value', { waitMs: 20_000 }),
    );
    await until('the others wait', () => engine.stats().leaseWaits >= followers.length);
    crowd.open();
    await leader.terminate();
    const value = JSON.stringify({ key: 'orphan', from: 'loader' });
    const counts = await settles('the loads', Promise.all(answers));
    expect(total(counts)).toEqual({ [value]: 300 });
    expect(crowd.calls).toBe(2);
    expect(engine.stats().leasesActive).toBe(0);
  });

  it('R29: the thread that loads hangs: its lease ends, 2 calls at most', async () => {
    const { engine, crowd } = await begin();
    const [leader, ...followers] = crowd.threads as [AttachedThread, ...AttachedThread[]];
    leader.call('load', 'hung', 100, 'endless', { leaseMs: 300 }).catch(() => undefined);
    await crowd.loading();
    crowd.open();
    const answers = followers.map((thread) =>
      thread.call<Counts>('load', 'hung', 100, 'value', { waitMs: 20_000 }),
    );
    const value = JSON.stringify({ key: 'hung', from: 'loader' });
    const counts = await settles('the loads', Promise.all(answers));
    expect(total(counts)).toEqual({ [value]: 300 });
    expect(crowd.calls).toBe(2);
    expect(engine.get('hung')).toEqual({ key: 'hung', from: 'loader' });
  });

  it('R1: an invalidation by another thread voids the lease, its waiters load anew', async () => {
    const { engine, crowd } = await begin(2);
    const [first, second] = crowd.threads as [AttachedThread, AttachedThread];
    expect(await first.call('lease', 'k')).toBe('granted');
    const waiting = second.call('lease', 'k');
    await until('the other waits', () => engine.stats().leaseWaits >= 1);
    await engine.delete('k');
    expect(await settles('the wait', waiting)).toBe('granted');
    expect(await first.call('fill', 'k', 'old')).toBe(false);
    expect(await second.call('fill', 'k', 'new')).toBe(true);
    expect(engine.get('k')).toBe('new');
    expect(engine.stats()).toMatchObject({ fillsRefused: 1, leasesVoided: 1 });
  });

  it('R30: what another thread creates is seen at once by who waits for a lease', async () => {
    const { engine, crowd } = await begin(2);
    const [first, second] = crowd.threads as [AttachedThread, AttachedThread];
    expect(await first.call('lease', 'k')).toBe('granted');
    const waiting = second.call('lease', 'k');
    await until('the other waits', () => engine.stats().leaseWaits >= 1);
    await engine.set('k', 'created');
    expect(await settles('the wait', waiting)).toEqual({ state: 'hit', value: 'created' });
    expect(await first.call('fill', 'k', '404')).toBe(false);
  });

  it('ends the leases of a thread that closes, and wakes who waits for them', async () => {
    const { engine, crowd } = await begin(2);
    const [first, second] = crowd.threads as [AttachedThread, AttachedThread];
    expect(await first.call('lease', 'k')).toBe('granted');
    const waiting = second.call('lease', 'k');
    await until('the other waits', () => engine.stats().leaseWaits >= 1);
    await first.call('close');
    expect(await settles('the wait', waiting)).toBe('granted');
  });
});
