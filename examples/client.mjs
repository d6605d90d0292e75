/**
 * A client of the service with copies near it: they are dropped when another client writes. While
 * the service is away, a loader answers.
 *
 *   npm run build && node examples/client.mjs
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createClient } from 'hotshard/client';

const MAIN = fileURLToPath(new URL('../dist/server/main.js', import.meta.url));

const service = spawn(process.execPath, [MAIN, 'serve'], {
  env: { ...process.env, SERVER_HTTP_PORT: '0', CACHE_MAX_MEMORY_MB: '16' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const url = await readUrl(service.stdout);
const writer = createClient({ url });
const reader = createClient({ url, nearCache: { maxEntries: 1_000 }, timeoutMs: 500 });

await writer.set('user:1', { name: 'Alice' }, { ttl: '5m', tags: ['users'] });
console.log('value     ', await reader.get('user:1'));
await until(async () => (await sourceOf('user:1')) === 'near');
console.log('then from ', await sourceOf('user:1'));

// The service tells the reader of the change, which drops its copy.
await writer.set('user:1', { name: 'Alicia' });
await until(async () => (await reader.get('user:1')).name === 'Alicia');
console.log('changed to', await reader.get('user:1'));

// Three gets of one turn are one request; a miss is undefined.
const names = ['user:1', 'user:2', 'user:1'];
const users = await Promise.all(names.map((name) => reader.get(name)));
console.log(
  'together  ',
  users.map((user) => user?.name),
);

const report = () => reader.getOrLoad('report', async () => ({ rows: 3 }), { ttl: '1m' });
console.log('loaded    ', await Promise.all([report(), report()]));
console.log('stored    ', await writer.get('report'));

service.kill('SIGKILL');
await once(service, 'exit');
const answer = await reader.getOrLoadWithMeta('report', () => 'from the source');
console.log('service away:', answer.value, `(${answer.source})`);
const failure = await writer.get('user:1').catch((error) => error);
console.log('without a loader:', failure.code, failure.retryable);

await writer.close();
await reader.close();

async function sourceOf(key) {
  const { source } = await reader.getWithMeta(key);
  return source;
}

/** Copies are kept once their namespace is followed, and changes take a moment to be told. */
async function until(isTrue) {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function readUrl(output) {
  let text = '';
  for await (const chunk of output) {
    text += chunk;
    const found = /http:\/\/\S+/.exec(text);
    if (found !== null) return found[0];
  }
  throw new Error('the service did not start');
}
