/** What hangs on entries comes back with them: tags, and that an entry is stale. */
import { copyFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { verifyEngine } from '../support/held-shards.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { MachineTime } from './machine-time.js';

test.each([
  ['the same geometry', {}],
  ['another geometry', { memory: '64mb', shards: 8 }],
])('tags come back with %s', async (_, geometry) => {
  using folder = temporaryFolder();
  const time = new MachineTime();
  const path = folder.path('entries');
  const first = await time.open(path);
  const many = Array.from({ length: 64 }, (_, index) => `${index} `.padEnd(256, 'é'.slice(0, 1)));
  const space = first.namespace('space');
  for (let index = 0; index < 200; index++) {
    const tags = ['all', `${index % 10}`, ...(index % 50 === 0 ? ['large'] : [])];
    const bytes = index % 50 === 0 ? 16_100 + index * 10 : index;
    await first.set(`key ${index}`, Buffer.alloc(bytes, `${index} `), { tags });
    await space.set(`key ${index}`, index, { tags: ['all'] });
  }
  const ascii = many.map((tag) => tag.replaceAll('é', 'e').slice(0, 256));
  await first.set('many', 'small', { tags: ascii });
  await first.set('many large', Buffer.alloc(40_000, 'x'), { tags: ascii });
  await first.set('plain', 1);
  await first.invalidateTag('3');
  await first.close();

  await using second = await time.open(path, geometry);
  expect(second.loaded).toMatchObject({ state: 'fresh', entries: 383, dropped: 0 });
  expect(verifyEngine(second)).toEqual([]);
  for (let index = 0; index < 200; index++) {
    const bytes = index % 50 === 0 ? 16_100 + index * 10 : index;
    const expected = index % 10 === 3 ? undefined : Buffer.alloc(bytes, `${index} `);
    const value = second.get<Uint8Array>(`key ${index}`);
    expect(value === undefined ? undefined : Buffer.from(value)).toEqual(expected);
  }
  expect(await second.invalidateTag('3')).toBe(0);
  expect(await second.invalidateTag('large')).toBe(4);
  expect(await second.invalidateTag('4')).toBe(20);
  expect(await second.invalidateTag(ascii[63] as string)).toBe(2);
  expect(await second.invalidateTag('all')).toBe(200 - 20 - 4 - 20);
  expect(second.get('plain')).toBe(1);
  expect(await second.namespace('space').invalidateTag('all')).toBe(200);
  expect(verifyEngine(second)).toEqual([]);
  expect(second.stats().items).toBe(1);
});

test('an entry that was stale stays so; a file of no clean close makes all of them stale', async () => {
  using folder = temporaryFolder();
  const time = new MachineTime();
  const path = folder.path('entries');
  const first = await time.open(path);
  await first.set('stale', 1, { tags: ['tag'] });
  await first.set('fresh', 2);
  await first.expireTag('tag');
  await first.checkpoint();
  copyFileSync(path, folder.path('checkpoint'));
  await first.close();

  await using second = await time.open(path);
  expect(second.getWithMeta('stale')).toMatchObject({ state: 'stale', value: 1 });
  expect(second.getWithMeta('fresh')).toMatchObject({ state: 'hit', value: 2 });

  await using third = await time.open(folder.path('checkpoint'));
  expect(third.loaded).toMatchObject({ state: 'stale', entries: 2 });
  expect(third.get('fresh')).toBeUndefined();
  expect(third.getWithMeta('fresh')).toMatchObject({ state: 'stale', value: 2 });
  await third.set('fresh', 3);
  expect(third.get('fresh')).toBe(3);
});
