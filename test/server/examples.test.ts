import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { requestText } from './support/raw-connection.js';
import { ask, get, openEngine, serveStore } from './support/test-service.js';

const FOLDER = new URL('../../examples/', import.meta.url);

test('examples/embedded.mjs shows what it says', () => {
  const script = fileURLToPath(new URL('embedded.mjs', FOLDER));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.split('\n')).toEqual([
    "value     { name: 'Alice' }",
    'a miss is undefined',
    "meta      { state: 'hit', ttlMinutes: 10, sizeBytes: 16 }",
    "many      [ 'red', 'green', undefined ]",
    'cleared   undefined but true',
    "in thread { name: 'Alice' }",
    'from it   hello from the other thread',
    'refused   ERR_CACHE_INVALID_KEY',
    '',
  ]);
});

test('examples/http-session.sh asks for paths that the service has', async () => {
  const text = readFileSync(new URL('http-session.sh', FOLDER), 'utf8');
  const paths = [...text.matchAll(/"\$url(\/[^"]*)"/g)].map(([, path]) => path ?? '');
  expect(paths.length).toBeGreaterThan(8);
  const { port } = await serveStore(await openEngine());
  for (const path of paths) {
    const { body } = await get(port, path);
    expect(body.toString(), path).not.toContain('ERR_HTTP_NOT_FOUND');
    expect((await ask(port, requestText(`GET ${path}`)))?.status, path).not.toBe(400);
  }
});
