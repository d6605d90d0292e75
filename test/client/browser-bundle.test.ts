import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'vite';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ENTRY = 'dist/src/client/client.js';

/** What a browser has of all that the client could use: no Node.js at all. */
const BROWSER_GLOBALS = [
  'AbortController',
  'AbortSignal',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'atob',
  'btoa',
  'clearInterval',
  'clearTimeout',
  'performance',
  'queueMicrotask',
  'setInterval',
  'setTimeout',
] as const;

async function bundle(): Promise<string> {
  const result = await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: false,
      lib: { entry: ENTRY, formats: ['iife'], name: 'client' },
    },
  });
  const outputs = Array.isArray(result) ? result : [result];
  const chunks = outputs.flatMap((output) => ('output' in output ? output.output : []));
  return chunks.map((chunk) => ('code' in chunk ? chunk.code : '')).join('\n');
}

test('a bundle for browsers holds nothing of Node.js, and works there', async () => {
  const code = await bundle();
  expect(code).toContain('ERR_CLIENT_UNREACHABLE');
  expect(code).not.toMatch(/["'`]node:|\bprocess\.(?!env\.NODE_ENV)|require\(["'`]|from ["'`]ws/);
  expect(code).not.toContain('permessage-deflate');
  const asked: string[] = [];
  const sandbox: Record<string, unknown> = {
    fetch: (url: string) => {
      asked.push(url);
      const headers = {
        get: (name: string) => (name === 'Content-Type' ? 'application/json' : null),
      };
      return Promise.resolve({
        status: 200,
        headers,
        arrayBuffer: () => Promise.resolve(new TextEncoder().encode('{"a":1}').buffer),
      });
    },
  };
  for (const name of BROWSER_GLOBALS) sandbox[name] = globalThis[name];
  const context = createContext(sandbox);
  runInContext(`${code}; this.client = client;`, context);
  const value = await runInContext(
    `client.createClient({ url: 'http://service', webSocket: { kind: 'off' } }).get('k')`,
    context,
  );
  expect(value).toEqual({ a: 1 });
  expect(asked).toEqual(['http://service/cache/k']);
});

test('the package tells bundlers which file is for Node.js alone', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(manifest.browser).toEqual({ './dist/src/client/node-web-socket.js': false });
  expect(manifest.exports['./client'].default).toBe(`./${ENTRY}`);
});
