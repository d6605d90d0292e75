/**
 * Copies whose stripe moved because of another key are renewed by a read that copies no value: what
 * that read does not tell must stay as it was, whatever was read before it.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../src/index.js';

const KEYS = 4_000;
let engine: Engine | undefined;

afterEach(() => engine?.close());

const VALUES: readonly (readonly [string, unknown])[] = [
  ['bytes', Buffer.from('[1,2]')],
  ['a string', '[1,2]'],
  ['an object', { a: [1, 2] }],
];

function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

describe.each(VALUES)('a copy of %s', (name, value) => {
  test.each(VALUES)(`is the same after %s was read and its stripe moved`, async (_, other) => {
    engine = await createEngine({ memory: '8mb', workers: 0 });
    await engine.set('key', value);
    await engine.set('other', other);
    for (let read = 0; read < 3; read++) engine.getBytes('key');
    for (let read = 0; read < 3; read++) engine.get('other');
    // In every stripe something changes.
    for (let index = 0; index < KEYS; index++) await engine.set(`filler ${index}`, 1);
    engine.get('other');
    engine.getWithMeta('other');
    expect(plain(engine.get('key')), name).toEqual(value);
    engine.getWithMeta('other');
    expect(plain(engine.get('key'))).toEqual(value);
  });
});
