/** Engines in several threads: one set of entries, slots that are given back. */
import { afterEach, describe, expect, test } from 'vitest';
import { attachEngine, createEngine, type Engine, type EngineHandle } from '../../src/index.js';
import { AttachedThread } from '../support/attached-thread.js';
import { ENGINE_KINDS } from '../support/engine-kinds.js';
import { settles, until } from '../support/until.js';

const LARGE = Buffer.alloc(90_000, 'large ');
const engines: Engine[] = [];
const threads: AttachedThread[] = [];

async function open(...args: Parameters<typeof createEngine>): Promise<Engine> {
  const engine = await createEngine(...args);
  engines.push(engine);
  return engine;
}

function startThread(engine: Engine): AttachedThread {
  const thread = new AttachedThread(engine.handle());
  threads.push(thread);
  return thread;
}

afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.terminate()));
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
});

describe.each(ENGINE_KINDS)('threads with %s', (_, options) => {
  test('see all entries of each other, both ways and of every kind', async () => {
    const engine = await open(options);
    const thread = startThread(engine);
    await engine.set('text', 'grüße', { ttl: '1h' });
    await engine.set('json', { a: [1, null] });
    await engine.set('large', LARGE);
    await engine.namespace('n').set('k', 'in n');
    await thread.call('attach');
    expect(await thread.call('get', 'text')).toBe('grüße');
    expect(await thread.call('get', 'json')).toEqual({ a: [1, null] });
    expect(Buffer.compare(await thread.call('getBytes', 'large'), LARGE)).toBe(0);
    expect(await thread.call('n/get', 'k')).toBe('in n');
    expect(await thread.call('has', 'absent')).toBe(false);
    const meta = await thread.call<{ ttlMs: number }>('getWithMeta', 'text');
    expect(meta.ttlMs).toBeLessThanOrEqual(3_600_100);
    expect(meta.ttlMs).toBeGreaterThan(3_500_000);

    expect(await thread.call('set', 'from there', { b: 2 })).toBe(true);
    expect(await thread.call('set', 'large', Buffer.alloc(50_000, 'new '))).toBe(true);
    expect(await thread.call('n/set', 'k', 'changed')).toBe(true);
    expect(await thread.call('delete', 'json')).toBe(true);
    expect(engine.get('from there')).toEqual({ b: 2 });
    expect(engine.getView('large')?.sizeBytes).toBe(50_000);
    expect(engine.namespace('n').get('k')).toBe('changed');
    expect(engine.has('json')).toBe(false);
    await thread.call('n/clear');
    expect(engine.namespace('n').get('k')).toBeUndefined();
    expect(await thread.call('getAndSet', 'text', 'newer')).toBe('grüße');
    expect(engine.get('text')).toBe('newer');
  });

  test('conditions decide between threads: one of all wins', async () => {
    const engine = await open(options);
    const attached = [startThread(engine), startThread(engine)];
    await Promise.all(attached.map((thread) => thread.call('attach')));
    for (let round = 0; round < 30; round++) {
      const won = await Promise.all([
        engine.set(`lock ${round}`, 0, { only: 'absent' }),
        ...attached.map((thread, index) =>
          thread.call('set', `lock ${round}`, index + 1, { only: 'absent' }),
        ),
      ]);
      expect(won.filter((isWinner) => isWinner)).toHaveLength(1);
      expect(engine.get(`lock ${round}`)).toBe(won.indexOf(true));
    }
  });

  test('a thread that was told of a write sees it, even over an own one that waited', async () => {
    const engine = await open(options);
    const thread = startThread(engine);
    await thread.call('attach');
    for (let round = 0; round < 20; round++) {
      const key = `told ${round}`;
      const answer = engine.set(key, 'mine');
      // This thread holds still until the other one has overwritten its value.
      const words = new Int32Array(new SharedArrayBuffer(4));
      thread.worker.postMessage({
        id: -1,
        method: 'overwrite',
        args: [key, 'mine', 'yours', words],
      });
      expect(Atomics.wait(words, 0, 0, 20_000)).not.toBe('timed-out');
      expect(engine.get(key)).toBe('yours');
      expect(engine.getView(key)?.sizeBytes).toBe(5);
      await answer;
      expect(engine.get(key)).toBe('yours');
    }
  });
});

describe('handles', () => {
  test.each<readonly [string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a number', 5],
    ['a string', 'hotshard-engine'],
    ['an empty object', {}],
    ['another kind', { kind: 'other', version: 1 }],
    ['another version', { kind: 'hotshard-engine', version: 2 }],
    ['no version', { kind: 'hotshard-engine' }],
    ['no arena', { kind: 'hotshard-engine', version: 1 }],
    ['an arena without memory', { kind: 'hotshard-engine', version: 1, arena: {} }],
  ])('%s is refused', (_, handle) => {
    expect(() => attachEngine(handle as EngineHandle)).toThrowError(
      expect.objectContaining({ code: 'ERR_CACHE_INCOMPATIBLE_HANDLE', retryable: false }),
    );
  });

  test('memory that holds no engine, or one of another layout, is refused', async () => {
    const engine = await open({ memory: '8mb', workers: 0 });
    const handle = engine.handle();
    const refusal = expect.objectContaining({ code: 'ERR_CACHE_INCOMPATIBLE_HANDLE' });
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    expect(() => attachEngine({ ...handle, arena: { ...handle.arena, memory } })).toThrowError(
      refusal,
    );
    const words = new Uint32Array(memory.buffer);
    words.set(new Uint32Array(handle.arena.memory.buffer, 0, 2));
    words[1] = (words[1] ?? 0) + 1;
    expect(() => attachEngine({ ...handle, arena: { ...handle.arena, memory } })).toThrowError(
      refusal,
    );
  });

  test('a handle is structured-cloneable and attaches in the same thread too', async () => {
    const engine = await open({ memory: '8mb', workers: 1, codec: { kind: 'msgpack' } });
    const same = attachEngine(structuredClone(engine.handle()));
    engines.push(same);
    await same.set('k', [Number.NaN]);
    expect(engine.get('k')).toEqual([Number.NaN]);
  });
});

describe('thread slots', () => {
  test('are bounded by the option threads; a thread over the bound is told', async () => {
    const engine = await open({ memory: '8mb', workers: 1, threads: 3 });
    const second = attachEngine(engine.handle());
    expect(() => attachEngine(engine.handle())).toThrowError(
      expect.objectContaining({
        code: 'ERR_CACHE_TOO_MANY_THREADS',
        retryable: true,
        message: expect.stringContaining('3'),
      }),
    );
    const thread = startThread(engine);
    await expect(thread.call('attach')).rejects.toMatchObject({
      code: 'ERR_CACHE_TOO_MANY_THREADS',
    });
    await second.close();
    expect(await thread.call('attach')).toBe(true);
    await engine.set('k', 1);
    expect(await thread.call('get', 'k')).toBe(1);
  });

  test.each([0, 1])(
    'of threads that ended without close are used again (%i workers)',
    async (workers) => {
      const engine = await open({ memory: '8mb', workers, threads: workers + 2 });
      for (let round = 0; round < 6; round++) {
        const thread = startThread(engine);
        await until(
          'a slot is free',
          () => thread.call('attach').catch(() => false) as Promise<boolean>,
        );
        expect(await thread.call('set', `k${round}`, round)).toBe(true);
        await thread.call('set', 'large', LARGE);
        await thread.call('holdView', 'large');
        await thread.terminate();
      }
      expect(engine.getMany(['k0', 'k5'])).toEqual([0, 5]);
      expect(await engine.set('large', LARGE)).toBe(true);
      expect(engine.stats().threads.length).toBeLessThanOrEqual(workers + 2);
    },
  );

  test('are freed by supervision, without anybody attaching', async () => {
    const engine = await open({ memory: '8mb', workers: 1 });
    const thread = startThread(engine);
    await thread.call('attach');
    expect(engine.stats().threads).toHaveLength(3);
    await thread.terminate();
    await until('the slot is free', () => engine.stats().threads.length === 2);
  });

  test('hold the writes that a thread left behind: they are applied', async () => {
    const engine = await open({ memory: '8mb', workers: 1, writes: { kind: 'ring' } });
    const thread = startThread(engine);
    await thread.call('attach');
    await thread.call('setUnawaited', 'left', 'value', 3);
    await settles('the last write', thread.call('set', 'behind', 1));
    await thread.terminate();
    expect(engine.get('left')).toBe('value:2');
  });
});
