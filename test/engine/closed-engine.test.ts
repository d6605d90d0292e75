/** After close: every method says so, in every form, and nothing hangs. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { attachEngine, createEngine, type Engine, type Keyspace } from '../../src/index.js';
import { ENGINE_KINDS } from '../support/engine-kinds.js';
import { holdShards } from '../support/held-shards.js';
import { settles, turns } from '../support/until.js';

const CLOSED = expect.objectContaining({ code: 'ERR_CACHE_CLOSED', retryable: false });

function reads(space: Keyspace): readonly (readonly [string, () => unknown])[] {
  return [
    ['get', () => space.get('k')],
    ['getBytes', () => space.getBytes('k')],
    ['readInto', () => space.readInto('k', new Uint8Array(9))],
    ['getView', () => space.getView('k')],
    ['getWithMeta', () => space.getWithMeta('k')],
    ['getMany', () => space.getMany(['k'])],
    ['getMany of nothing', () => space.getMany([])],
    ['has', () => space.has('k')],
    ['keys', () => space.keys()],
  ];
}

function writes(space: Keyspace): readonly (readonly [string, () => Promise<unknown>])[] {
  return [
    ['set', () => space.set('k', 1)],
    ['getAndSet', () => space.getAndSet('k', 1)],
    ['setMany', () => space.setMany([['k', 1]])],
    ['setMany of nothing', () => space.setMany([])],
    ['delete', () => space.delete('k')],
    ['deleteMany', () => space.deleteMany(['k'])],
    ['deleteMany of nothing', () => space.deleteMany([])],
    ['touch', () => space.touch('k', '1h')],
    ['persist', () => space.persist('k')],
    ['clear', () => space.clear()],
    ['invalidatePrefix', () => space.invalidatePrefix('k')],
    ['invalidateGlob', () => space.invalidateGlob('k*')],
    ['expirePrefix', () => space.expirePrefix('k')],
    ['expireGlob', () => space.expireGlob('k*')],
  ];
}

describe.each(ENGINE_KINDS)('a closed engine with %s', (_, options) => {
  test('refuses every method, its namespaces too', async () => {
    const engine = await createEngine(options);
    const space = engine.namespace('n');
    await engine.set('k', 'v');
    await engine.close();
    for (const target of [engine, space]) {
      for (const [name, call] of reads(target)) expect(call, name).toThrowError(CLOSED);
      for (const [name, call] of writes(target)) {
        await expect(call(), name).rejects.toEqual(CLOSED);
      }
    }
    expect(() => engine.namespace('n')).toThrowError(CLOSED);
    expect(() => engine.namespace('other')).toThrowError(CLOSED);
    expect(() => engine.stats()).toThrowError(CLOSED);
  });

  test('may be closed twice, and by Symbol.asyncDispose', async () => {
    const engine = await createEngine(options);
    const first = engine.close();
    expect(engine.close()).toBe(first);
    expect(await engine[Symbol.asyncDispose]()).toBeUndefined();
    expect(await first).toBeUndefined();
    const disposed = await createEngine(options);
    await disposed[Symbol.asyncDispose]();
    expect(() => disposed.get('k')).toThrowError(CLOSED);
  });

  test('has applied every write that was accepted before', async () => {
    const engine = await createEngine(options);
    const answers = Array.from({ length: 3_000 }, (__, index) =>
      engine.set(`k${index % 40}`, 'x'.repeat(index % 700)),
    );
    const swap = engine.getAndSet('k0', 'last');
    await settles('close', engine.close());
    expect(await Promise.all(answers)).not.toContain(false);
    expect(await swap).toBe('x'.repeat(2_960 % 700));
  });

  test('refuses writes that are begun while it closes', async () => {
    const engine = await createEngine(options);
    const accepted = engine.set('k', 1);
    const closing = engine.close();
    await expect(engine.set('k', 2)).rejects.toEqual(CLOSED);
    expect(() => engine.get('k')).toThrowError(CLOSED);
    expect(await accepted).toBe(true);
    await closing;
  });
});

describe('writes that nobody awaits', () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => {
    unhandled.push(reason);
  };
  let engine: Engine;

  beforeEach(async () => {
    unhandled.length = 0;
    process.on('unhandledRejection', note);
    engine = await createEngine({ memory: '8mb', workers: 1 });
  });

  afterEach(async () => {
    process.off('unhandledRejection', note);
    await engine.close();
  });

  test('are no unhandled rejections after close', async () => {
    await engine.close();
    for (const [, call] of writes(engine)) void call();
    await turns(5);
    expect(unhandled).toEqual([]);
  });

  test('are no unhandled rejections when they are too large or malformed', async () => {
    void engine.set('k', Buffer.alloc(20_000_000));
    void engine.getAndSet('k', Buffer.alloc(20_000_000));
    void engine.set('', 1);
    void engine.set('k', undefined);
    void engine.set('k', 1, { ttl: -1 });
    void engine.delete('');
    void engine.touch('k', 0);
    await turns(5);
    expect(unhandled).toEqual([]);
  });

  test('of setMany are none either when its iterable throws half-way', async () => {
    const mine = new Error('mine');
    function* entries(): Generator<[string, unknown]> {
      yield ['good', 1];
      yield ['', 1];
      yield ['bad value', undefined];
      throw mine;
    }
    await expect(engine.setMany(entries())).rejects.toBe(mine);
    await turns(5);
    expect(unhandled).toEqual([]);
    expect(engine.get('good')).toBe(1);
  });
});

describe.each(ENGINE_KINDS)('the end of the creator with %s', (_, options) => {
  test('is the end for attached threads: calls say so, none hangs', async () => {
    const engine = await createEngine(options);
    const handle = engine.handle();
    const attached = attachEngine(handle);
    await attached.set('k', 1);
    await settles('close of the creator', engine.close());
    for (const [name, call] of writes(attached)) {
      await expect(settles(name, call(), 5_000), name).rejects.toEqual(CLOSED);
    }
    for (const [name, call] of reads(attached)) expect(call, name).toThrowError(CLOSED);
    await settles('close of the attached engine', attached.close());
    expect(() => attachEngine(handle)).toThrowError(
      expect.objectContaining({
        code: expect.stringMatching(/^ERR_CACHE_(CLOSED|INCOMPATIBLE_HANDLE)$/),
      }),
    );
  });
});

test('an attached engine closes while its writes wait, and they are applied', async () => {
  const engine = await createEngine({ memory: '8mb', workers: 1, writes: { kind: 'ring' } });
  const attached = attachEngine(engine.handle());
  const letGo = holdShards(engine);
  const answers = Array.from({ length: 500 }, (_, index) => attached.set(`k${index}`, index));
  const closing = attached.close();
  await turns(3);
  letGo();
  await settles('close', closing);
  expect(await Promise.all(answers)).not.toContain(false);
  expect(engine.get('k499')).toBe(499);
  await engine.close();
});
