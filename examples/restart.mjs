/**
 * A warm restart: what one engine wrote when it was closed, the next one loads.
 *
 *   npm run build && node examples/restart.mjs
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine } from 'hotshard';

const folder = await mkdtemp(join(tmpdir(), 'hotshard-example-'));
const path = join(folder, 'entries');
const options = { memory: '64mb', workers: 1, persistence: { kind: 'file', path } };
try {
  const before = await createEngine(options);
  await before.set('user:123', { name: 'Alice' }, { ttl: '1h', tags: ['users'] });
  await before.set('color', 'red');
  const { entries } = await before.checkpoint();
  console.log('checkpoint of', entries, 'entries');
  await before.set('color', 'blue');
  await before.close();
  console.log('mode         ', ((await stat(path)).mode & 0o777).toString(8));

  const after = await createEngine(options);
  console.log('loaded       ', after.loaded?.state, after.loaded?.entries);
  console.log('value        ', after.get('user:123'), after.get('color'));
  console.log('tags         ', await after.invalidateTag('users'));
  await after.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
