/** `/cache`: deletion by pattern, prefix or tag, and listings of keys. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/index.js';
import { call, refusal } from './support/json-client.js';
import { openEngine, serveStore, type TestService } from './support/test-service.js';

interface Page {
  readonly keys: readonly string[];
  readonly cursor: string | null;
}

let engine: Engine;
let service: TestService;

beforeAll(async () => {
  engine = await openEngine();
  service = await serveStore(engine);
});

beforeEach(async () => {
  await engine.clear();
  await engine.namespace('n').clear();
});

function ask(line: string): ReturnType<typeof call> {
  return call(service, line);
}

async function page(query: string, of: Pick<TestService, 'url'> = service): Promise<Page> {
  const [status, answer] = await call(of, `GET /cache?${query}`);
  expect(status).toBe(200);
  return answer as Page;
}

function setAll(keys: readonly string[], space: Pick<Engine, 'set'> = engine): Promise<unknown> {
  return Promise.all(keys.map((key) => space.set(key, 1)));
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

describe('DELETE /cache', () => {
  const done = (deleted: number): unknown => [200, { deleted, status: 'completed' }];

  test('removes by pattern, prefix or tag', async () => {
    await setAll([...names('user:123:', 15), 'user:12', 'user:124:x']);
    expect(await ask('DELETE /cache?pattern=user:123:*')).toEqual(done(15));
    expect(await ask('DELETE /cache?pattern=user:123:*')).toEqual(done(0));
    await engine.set('t', 1, { tags: ['user:123', 'a b'] });
    expect(await ask('DELETE /cache?tag=user:12')).toEqual(done(0));
    expect(await ask('DELETE /cache?tag=a+b')).toEqual(done(1));
    expect(await ask('DELETE /cache?prefix=user%3A12')).toEqual(done(2));
  });

  test('heeds the namespace, and makes none', async () => {
    const { namespaces } = engine.stats();
    const space = engine.namespace('n');
    await setAll(['a', 'b'], space);
    await setAll(['a']);
    expect(await ask('DELETE /cache?prefix=a&namespace=n')).toEqual(done(1));
    expect(await ask('DELETE /cache?prefix=a&namespace=unseen')).toEqual(done(0));
    expect(engine.has('a')).toBe(true);
    expect(space.has('b')).toBe(true);
    expect(engine.stats().namespaces).toBe(namespaces);
    const [status, answer] = await ask('DELETE /cache?prefix=a&namespace=..');
    expect(status).toBe(400);
    expect(answer).toEqual(refusal('ERR_CACHE_INVALID_NAMESPACE'));
  });

  test.each(['pattern=*', 'pattern=**', 'pattern=*%3F*', 'prefix=', 'pattern=*&confirm=false'])(
    'H39: %s must be confirmed',
    async (query) => {
      await setAll(['a', 'b']);
      const [status, answer] = await ask(`DELETE /cache?${query}`);
      expect(status).toBe(428);
      expect(answer).toEqual(refusal('ERR_HTTP_PRECONDITION_REQUIRED', /confirm=true/));
      expect(engine.has('a')).toBe(true);
      const confirmed = query.replace('&confirm=false', '');
      expect(await ask(`DELETE /cache?${confirmed}&confirm=true`)).toEqual(done(2));
    },
  );

  test('H37: a glob that would hold up a backtracking matcher is answered', async () => {
    await setAll(names('a'.repeat(200), 50));
    // A matcher that backtracks takes minutes, far longer than this test may.
    expect(await ask('DELETE /cache?pattern=*a*a*a*a*a*ab')).toEqual(done(0));
  });

  test.each([
    ['%5B', /without its/],
    ['a%5C', /ends with/],
    ['{a,b}'.repeat(20), /alternatives/],
    ['', /must not be empty/],
    ['x'.repeat(257), /at most 256/],
    ['%5Bz-a%5D', /ends before it begins/],
  ])('H37, H38: the pattern %.20s is refused', async (pattern, message) => {
    for (const namespace of ['', '&namespace=unseen']) {
      for (const method of ['DELETE', 'GET']) {
        const [status, answer] = await ask(`${method} /cache?pattern=${pattern}${namespace}`);
        expect(status).toBe(422);
        expect(answer).toEqual(refusal('ERR_CACHE_INVALID_PATTERN', message));
      }
    }
  });

  test.each([
    ['', /^pattern, prefix, tag: exactly one must be given, not none/],
    ['namespace=n', /exactly one must be given, not none/],
    ['pattern=a&prefix=b', /exactly one must be given, not pattern and prefix/],
    ['patern=a', /has patern, which is not known here; did you mean pattern\?/],
    ['pattern=a&pattern=b', /^pattern: must stand in the query once/],
    ['pattern=%zz', /^pattern: has a percent sign that begins no escape/],
    ['pattern=%ff', /^pattern: has a percent sign that begins no escape, or is not UTF-8/],
    ['pattern=*&confirm=yes', /^confirm: must be true or false/],
    ['%ff=a', /a name that is not known here/],
  ])('the query %s is refused', async (query, message) => {
    const [status, answer] = await ask(`DELETE /cache?${query}`);
    expect(status).toBe(422);
    expect(answer).toEqual(refusal('ERR_HTTP_INVALID_FIELD', message));
  });

  test.each(['tag=', `tag=${'t'.repeat(257)}`])('%.10s is no tag', async (query) => {
    const [status, answer] = await ask(`DELETE /cache?${query}`);
    expect(status).toBe(422);
    expect(answer).toEqual(refusal('ERR_CACHE_INVALID_TAG', /^tag: /));
  });

  test('reads go on while many entries are removed', async () => {
    await setAll([...names('gone:', 20_000), 'kept']);
    let isDone = false;
    const removal = ask('DELETE /cache?prefix=gone:').finally(() => {
      isDone = true;
    });
    let reads = 0;
    while (!isDone) {
      expect((await fetch(`${service.url}/cache/kept`)).status).toBe(200);
      reads += 1;
    }
    expect(await removal).toEqual(done(20_000));
    expect(reads).toBeGreaterThan(0);
  });
});

describe('GET /cache', () => {
  test('lists keys page by page', async () => {
    const keys = [...names('user:', 250), ...names('order:', 30), 'caf\u00e9', '__proto__'];
    await setAll(keys);
    const listed: string[] = [];
    let next = '';
    do {
      const { keys: some, cursor } = await page(`limit=64${next}`);
      expect(some.length).toBeLessThanOrEqual(64);
      listed.push(...some);
      next = cursor === null ? '' : `&cursor=${cursor}`;
    } while (next !== '');
    expect(listed.sort()).toEqual(keys.sort());
    expect((await page('')).keys).toHaveLength(100);
    expect((await page('prefix=order:')).keys).toHaveLength(30);
    expect((await page('pattern=order:1?')).keys.toSorted()).toEqual(names('order:1', 10));
    expect((await page('prefix=')).keys).toHaveLength(100);
    expect(await page('prefix=none')).toEqual({ keys: [], cursor: null });
  });

  test('lists a namespace, and makes none', async () => {
    const { namespaces } = engine.stats();
    await setAll(['a', 'b'], engine.namespace('n'));
    expect((await page('namespace=n')).keys.toSorted()).toEqual(['a', 'b']);
    expect(await page('namespace=unseen')).toEqual({ keys: [], cursor: null });
    expect(engine.stats().namespaces).toBe(namespaces);
  });

  test.each(['0', '10001', '1000000000', '-1', '1.5', 'abc', '', '0x10', '1e3', '99999999999'])(
    'H40: the limit %j is refused',
    async (limit) => {
      const [status, answer] = await ask(`GET /cache?limit=${limit}`);
      expect(status).toBe(422);
      const message = /^limit: must be a whole number from 1 to 10000/;
      expect(answer).toEqual(refusal('ERR_HTTP_INVALID_FIELD', message));
    },
  );

  test('H40: a forged cursor is refused, with every bit of it', async () => {
    await setAll(names('k', 300));
    const { cursor } = await page('limit=10');
    const bytes = Buffer.from(cursor ?? '', 'base64url');
    expect(bytes.length).toBeGreaterThan(32);
    const forged = [
      ...['', 'x', '%00', 'AAAA', `${cursor}A`, `${cursor}=`, ` ${cursor}`, '_'.repeat(128)],
      ...['_'.repeat(1_000), bytes.subarray(1).toString('base64url')],
    ];
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const copy = Buffer.from(bytes);
      copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      forged.push(copy.toString('base64url'));
    }
    for (const text of forged) {
      const [status, answer] = await ask(`GET /cache?limit=10&cursor=${text}`);
      expect(status, text).toBe(400);
      expect(answer).toEqual(refusal('ERR_HTTP_INVALID_CURSOR', /^cursor: is none that/));
    }
    expect((await page(`limit=10&cursor=${cursor}`)).keys).toHaveLength(10);
    expect((await page(`limit=20&cursor=${cursor}`)).keys).toHaveLength(20);
  });

  test('H40: a cursor serves in its own listing alone', async () => {
    await setAll(names('k', 50));
    await setAll(names('k', 50), engine.namespace('n'));
    const listings = [
      '',
      'namespace=n',
      'prefix=k',
      'pattern=k',
      'pattern=k*',
      'prefix=k&namespace=n',
    ];
    for (const from of listings.filter((listing) => listing !== 'pattern=k')) {
      const { cursor } = await page(`limit=5&${from}`);
      for (const to of listings) {
        const [status, answer] = await ask(`GET /cache?limit=5&${to}&cursor=${cursor}`);
        expect(status, `${from} -> ${to}`).toBe(from === to ? 200 : 403);
        if (from !== to) expect(answer).toEqual(refusal('ERR_HTTP_FOREIGN_CURSOR'));
      }
    }
  });

  test('cursors serve in every thread that has the key, and in no other service', async () => {
    await setAll(names('k', 50));
    const cursorKey = Buffer.alloc(32, 7);
    const [first, second] = [
      await serveStore(engine, { cursorKey }),
      await serveStore(engine, { cursorKey }),
    ];
    const { cursor } = await page('limit=5', first);
    expect((await page(`limit=5&cursor=${cursor}`, second)).keys).toHaveLength(5);
    const [status] = await ask(`GET /cache?limit=5&cursor=${cursor}`);
    expect(status).toBe(400);
  });
});
