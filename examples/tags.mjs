/**
 * Invalidation: by tag, by prefix and glob, and softly, so that old values stay as a fallback.
 *
 *   npm run build && node examples/tags.mjs
 */
import { createEngine } from 'hotshard';

const engine = await createEngine({ memory: '64mb', workers: 1 });
try {
  await engine.set('order:7', { total: 12 }, { tags: ['user:123', 'orders'] });
  await engine.set('order:8', { total: 30 }, { tags: ['user:456', 'orders'] });
  await engine.set('profile:123', { name: 'Alice' }, { tags: ['user:123'] });

  console.log(
    'both tags   ',
    await engine.invalidateTags(['user:123', 'orders'], { match: 'all' }),
  );
  console.log('one tag     ', await engine.invalidateTag('user:123'));
  console.log('other left  ', engine.has('order:8'));

  await engine.setMany([
    ['page:en:home', 'Welcome'],
    ['page:de:home', 'Willkommen'],
    ['page:en:about', 'About us'],
  ]);
  const keys = [];
  for await (const key of engine.keys({ glob: 'page:*:home' })) keys.push(key);
  console.log('listed      ', keys.sort());

  console.log('by prefix   ', await engine.invalidatePrefix('page:en:'));
  const result = await engine.invalidateGlob('page:[a-d]?:*', {
    signal: AbortSignal.timeout(5_000),
    onProgress: ({ fraction }) => {
      if (fraction === 1) console.log('progress     done');
    },
  });
  console.log('by glob     ', result);

  // Softly: reads miss, but the value is there for whoever needs a fallback.
  await engine.set('price:1', 999, { tags: ['prices'] });
  console.log('expired     ', await engine.expireTag('prices'));
  const { state, value } = engine.getWithMeta('price:1');
  console.log('stale       ', engine.get('price:1'), { state, value });
} finally {
  await engine.close();
}
