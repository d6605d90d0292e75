/** Copies whose making was cut off between two steps, as by a stack overflow. */
import { afterEach, expect, test, vi } from 'vitest';
import { createEngine, type Engine } from '../../src/index.js';

let engine: Engine | undefined;

afterEach(async () => {
  vi.restoreAllMocks();
  await engine?.close();
});

test('a read that failed while it made a copy does not spoil the reads after it', async () => {
  engine = await createEngine({ memory: '8mb', workers: 0 });
  await engine.set('object', { a: 1 });
  engine.get('object');
  const parse = vi.spyOn(JSON, 'parse').mockImplementationOnce(() => {
    throw new RangeError('Maximum call stack size exceeded');
  });
  expect(() => engine?.get('object')).toThrow();
  expect(parse).toHaveBeenCalled();
  expect(engine.get('object')).toEqual({ a: 1 });
  expect(engine.get('object')).toEqual({ a: 1 });
});

test('bytes whose copy was cut off are read anew', async () => {
  engine = await createEngine({ memory: '8mb', workers: 0 });
  await engine.set('bytes', Buffer.from('abc'));
  engine.get('bytes');
  vi.spyOn(Uint8Array.prototype, 'set').mockImplementationOnce(() => {
    throw new RangeError('Maximum call stack size exceeded');
  });
  expect(() => engine?.get('bytes')).toThrow(RangeError);
  expect(Buffer.from(engine.get('bytes') as Uint8Array).toString()).toBe('abc');
});

test('frozen: old values that writes return are frozen, too', async () => {
  engine = await createEngine({ memory: '8mb', workers: 0, nearCache: { frozen: true } });
  await engine.set('key', { list: [1] });
  const replaced = await engine.getAndSet<{ list: number[] }>('key', { list: [2] });
  const removed = await engine.getAndDelete<{ list: number[] }>('key');
  expect([replaced?.list, removed?.list]).toEqual([[1], [2]]);
  expect(Object.isFrozen(replaced?.list) && Object.isFrozen(removed?.list)).toBe(true);
});
