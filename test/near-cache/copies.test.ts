/** What the copies of one thread promise besides being right: identity, bounds, counts, an end. */
import { afterEach, expect, test } from 'vitest';
import { createEngine, type Engine, type EngineOptions } from '../../src/index.js';
import { AttachedThread } from '../support/attached-thread.js';

let engine: Engine | undefined;

async function open(options: EngineOptions = {}): Promise<Engine> {
  engine = await createEngine({ memory: '8mb', ...options });
  return engine;
}

afterEach(() => engine?.close());

/** Enough reads for a copy: one that is noticed, one that makes it, one that uses it. */
function readOften(of: Engine, key: string): unknown {
  of.get(key);
  of.get(key);
  return of.get(key);
}

test('a value that is read again is the same object until somebody writes', async () => {
  const own = await open();
  await own.set('k', { a: [1, 2] });
  const first = readOften(own, 'k');
  expect(first).toEqual({ a: [1, 2] });
  expect(own.get('k')).toBe(first);
  await own.set('k', { a: [3] });
  expect(own.get('k')).toEqual({ a: [3] });
  expect(first).toEqual({ a: [1, 2] });
  await own.touch('k', 60_000);
  const second = readOften(own, 'k');
  await own.touch('k', 70_000);
  expect(own.get('k'), 'a new time to live is no new value').toBe(second);
});

test('a write of another thread is seen at once', async () => {
  const own = await open();
  const other = new AttachedThread(own.handle());
  try {
    await other.call('attach');
    await own.set('k', 'old');
    expect(readOften(own, 'k')).toBe('old');
    await other.call('set', 'k', 'new');
    expect(own.get('k')).toBe('new');
    await other.call('delete', 'k');
    expect(own.get('k')).toBeUndefined();
    expect(own.readState()).toBe('miss');
    await own.set('k', 'again');
    expect(readOften(own, 'k')).toBe('again');
    await other.call('clear');
    expect(own.get('k')).toBeUndefined();
  } finally {
    await other.terminate();
  }
});

test('bytes are the caller’s own: writing into them changes nobody’s copy', async () => {
  const own = await open();
  await own.set('k', Buffer.from('abc'));
  for (let turn = 0; turn < 4; turn++) {
    const bytes = own.get<Uint8Array>('k') as Uint8Array;
    expect(Buffer.from(bytes).toString()).toBe('abc');
    bytes.fill(0);
    own.getBytes('k')?.fill(1);
  }
});

test('frozen values cannot be changed, in depth, at the first read and at every other', async () => {
  const own = await open({ nearCache: { frozen: true } });
  await own.set('k', { a: [{ b: 1 }] });
  for (let turn = 0; turn < 4; turn++) {
    const value = own.get<{ a: { b: number }[] }>('k') as { a: { b: number }[] };
    expect(Object.isFrozen(value) && Object.isFrozen(value.a) && Object.isFrozen(value.a[0])).toBe(
      true,
    );
    expect(() => value.a.push({ b: 2 })).toThrow(TypeError);
  }
});

test('without copies each read decodes anew', async () => {
  const own = await open({ nearCache: { kind: 'off' } });
  await own.set('k', { a: 1 });
  const first = readOften(own, 'k');
  expect(own.get('k')).toEqual(first);
  expect(own.get('k')).not.toBe(first);
});

test('a key that is read once leaves no copy', async () => {
  const own = await open({ nearCache: { maxEntries: 4 } });
  await own.set('hot', { a: 1 });
  const hot = readOften(own, 'hot');
  for (let index = 0; index < 100; index++) {
    await own.set(`cold ${index}`, index);
    expect(own.get(`cold ${index}`)).toBe(index);
  }
  expect(own.get('hot')).toBe(hot);
});

test('every hit is counted, of copies too', async () => {
  const own = await open();
  await own.set('k', 1);
  const before = own.stats();
  for (let turn = 0; turn < 1_000; turn++) own.get('k');
  own.get('absent');
  const after = own.stats();
  expect(after.hits - before.hits).toBe(1_000);
  expect(after.misses - before.misses).toBe(1);
});

test('what was just read from a copy does not make room for the next write', async () => {
  const own = await open({ workers: 0, maxEntries: 50 });
  await own.set('hot', 'value');
  readOften(own, 'hot');
  for (let index = 0; index < 1_000; index++) {
    await own.set(`k${index}`, index);
    expect(own.get('hot'), `after ${index} writes`).toBe('value');
  }
});

test('a closed engine answers no read from a copy', async () => {
  const own = await open();
  await own.set('k', 1);
  readOften(own, 'k');
  await own.close();
  expect(() => own.get('k')).toThrow(expect.objectContaining({ code: 'ERR_CACHE_CLOSED' }));
  expect(() => own.getView('k')).toThrow(expect.objectContaining({ code: 'ERR_CACHE_CLOSED' }));
});
