import { expect, test } from 'vitest';
import { type ClientOptions, createClient } from '../../src/client/client.js';
import { nearestOption } from '../../src/client/nearest-option.js';
import { codeOf } from './support/open-client.js';

const URL_OF_NOBODY = 'http://127.0.0.1:9';

function problemOf(options: object): string {
  try {
    createClient({ url: URL_OF_NOBODY, ...options } as ClientOptions);
    return '';
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CLIENT_INVALID_OPTIONS', retryable: false });
    return (error as Error).message;
  }
}

test.each<[object, string]>([
  [{ nearcache: {} }, 'nearcache: is not known; did you mean nearCache?'],
  [{ timeout: 5 }, 'timeout: is not known; did you mean timeoutMs?'],
  [{ zebra: 5 }, 'zebra: is not known'],
  [{ url: 'localhost' }, 'url: must be an absolute URL'],
  [{ url: 'ftp://localhost' }, 'url: must be http: or https:'],
  [{ url: 'http://a@localhost' }, 'url: must hold no credentials: put them into headers'],
  [{ url: 'http://localhost?x=1' }, 'url: must have neither a query nor a fragment'],
  [{ timeoutMs: 0 }, 'timeoutMs: must be a whole number from 1 to 600000'],
  [{ timeoutMs: 50, totalTimeoutMs: 40 }, 'totalTimeoutMs: must be a whole number from 50 to'],
  [{ retries: 1.5 }, 'retries: must be a whole number from 0 to 10'],
  [{ codec: 'xml' }, "codec: must be 'json' or 'msgpack'"],
  [{ namespace: 5 }, 'namespace: must be a string'],
  [{ webSocket: { kind: 'maybe' } }, "webSocket.kind: must be 'on' or 'off'"],
  [{ webSocket: { kind: 'off', heartbeatMs: 50 } }, 'webSocket: takes nothing else'],
  [{ webSocket: { heartbeat: 50 } }, 'heartbeat: is not known; did you mean heartbeatMs?'],
  [{ webSocket: { kind: 'off' }, nearCache: {} }, 'nearCache: needs the WebSocket'],
  [{ nearCache: { maxEntries: 0 } }, 'nearCache.maxEntries: must be a whole number from 1'],
  [{ breaker: { failures: 0 } }, 'breaker.failures: must be a whole number from 1'],
  [{ fallback: { kind: 'none' } }, "fallback.kind: must be 'error' or 'miss'"],
  [{ headers: { a: 1 } }, 'headers.a: must be a string'],
  [{ fetch: 5 }, 'fetch: must be a function'],
])('%o is refused by name', (options, problem) => {
  expect(problemOf(options)).toContain(problem);
});

test('known names are found within two slips', () => {
  const names = ['retries', 'timeoutMs', 'url'];
  expect(nearestOption('retires', names)).toBe('retries');
  expect(nearestOption('URI', names)).toBe('url');
  expect(nearestOption('something', names)).toBeUndefined();
  expect(nearestOption('x'.repeat(1_000), names)).toBeUndefined();
});

test('arguments are checked before anything is sent', async () => {
  const client = createClient({ url: URL_OF_NOBODY });
  const key = 'ERR_CLIENT_INVALID_KEY';
  const options = 'ERR_CLIENT_INVALID_OPTIONS';
  const value = 'ERR_CLIENT_INVALID_VALUE';
  for (const bad of ['', 'x'.repeat(1_025), 'ü'.repeat(513), '\ud800', 5 as unknown as string]) {
    expect(await codeOf(client.get(bad)), bad).toBe(key);
    expect(await codeOf(client.set(bad, 1)), bad).toBe(key);
    expect(await codeOf(client.getMany(['a', bad])), bad).toBe(key);
    expect(await codeOf(client.invalidate({ prefix: bad })), bad).toBe(key);
  }
  for (const bad of [undefined, () => 1, Symbol('s'), 1n, new Map(), Promise.resolve(1)]) {
    expect(await codeOf(client.set('k', bad))).toBe(value);
  }
  for (const bad of [0, -1, 1.5, Number.NaN, '5', '0s', '5 m', {}, null]) {
    expect(await codeOf(client.set('k', 1, { ttl: bad as number }))).toBe(options);
    expect(await codeOf(client.touch('k', bad as number))).toBe(options);
  }
  expect(await codeOf(client.set('k', 1, { tag: 'a' } as object))).toBe(options);
  expect(await codeOf(client.set('k', 1, { tags: [''] }))).toBe(key);
  expect(await codeOf(client.invalidate({} as { tag: string }))).toBe(options);
  expect(await codeOf(client.invalidate({ tag: 'a', prefix: 'b' } as { tag: string }))).toBe(
    options,
  );
  expect(await codeOf(client.subscribe({}, () => undefined))).toBe(options);
  expect(await codeOf(client.getOrLoad('k', 5 as unknown as () => number))).toBe(options);
  await client.close();
});
