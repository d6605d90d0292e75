import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { requestText } from './support/raw-connection.js';
import { ask, get, openEngine, serveStore } from './support/test-service.js';

const FOLDER = new URL('../../examples/', import.meta.url);

/** What a program prints; it must end well and complain of nothing. */
function linesOf(name: string): readonly string[] {
  const script = fileURLToPath(new URL(name, FOLDER));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trimEnd().split('\n');
}

const PRINTED: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'embedded.mjs',
    [
      "value     { name: 'Alice' }",
      'a miss is undefined',
      "meta      { state: 'hit', ttlMinutes: 10, sizeBytes: 16 }",
      "many      [ 'red', 'green', undefined ]",
      'cleared   undefined but true',
      "in thread { name: 'Alice' }",
      'from it   hello from the other thread',
      'refused   ERR_CACHE_INVALID_KEY',
    ],
  ],
  [
    'get-or-load.mjs',
    [
      'answers         300',
      'loader calls    1',
      'value           { rows: 3 }',
      'failed          the source is down',
      'stale fallback  { rows: 3 }',
    ],
  ],
  [
    'tags.mjs',
    [
      'both tags    1',
      'one tag      1',
      'other left   true',
      "listed       [ 'page:de:home', 'page:en:home' ]",
      'by prefix    { deleted: 2, scanned: 4 }',
      'progress     done',
      'by glob      { deleted: 1, scanned: 2 }',
      'expired      1',
      "stale        undefined { state: 'stale', value: 999 }",
    ],
  ],
  [
    'client.mjs',
    [
      "value      { name: 'Alice' }",
      'then from  near',
      "changed to { name: 'Alicia' }",
      "together   [ 'Alicia', undefined, 'Alicia' ]",
      'loaded     [ { rows: 3 }, { rows: 3 } ]',
      'stored     { rows: 3 }',
      'service away: from the source (loader)',
      'without a loader: ERR_CLIENT_UNREACHABLE true',
    ],
  ],
  [
    'restart.mjs',
    [
      'checkpoint of 2 entries',
      'mode          600',
      'loaded        fresh 2',
      "value         { name: 'Alice' } blue",
      'tags          1',
    ],
  ],
]);

test.each([...PRINTED])('examples/%s shows what it says', (name, printed) => {
  expect(linesOf(name)).toEqual(printed);
});

test('every example is run', () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.mjs'));
  expect(names.toSorted()).toEqual([...PRINTED.keys()].toSorted());
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
