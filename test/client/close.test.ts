import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { settles, until } from '../support/until.js';
import { startFake } from './support/fake-service.js';
import { codeOf, openClient } from './support/open-client.js';

const CLIENT = new URL('../../dist/src/client/client.js', import.meta.url);

/** Uses a client in every way, closes it, and says what keeps the process alive then. */
const PROGRAM = `
  const { createClient } = await import(process.argv[1]);
  const client = createClient({ url: process.argv[2], nearCache: {}, timeoutMs: 200 });
  await client.set('k', 1).catch(() => undefined);
  await client.get('k').catch(() => undefined);
  await client.getOrLoad('j', () => 2);
  const subscribed = client.subscribe({ keys: ['k'] }, () => undefined).catch(() => undefined);
  if (process.argv[3] === 'running') await subscribed;
  const pending = client.get('late').catch((error) => error.code);
  await client.close();
  await pending;
  const left = process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
  console.log(JSON.stringify(left));
`;

async function runProgram(
  url: string,
  state: string,
): Promise<{ code: number | null; printed: string }> {
  const args = ['--input-type=module', '--eval', PROGRAM, CLIENT.href, url, state];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const [code] = await settles('the program', once(child, 'close'));
  return { code: code as number | null, printed: printed.trim() };
}

test.each(['running', 'stopped'] as const)(
  'after close no timer is left, and the process ends by itself: the service is %s',
  async (state) => {
    const fake = await startFake();
    if (state === 'stopped') await fake.stop();
    expect(await runProgram(fake.url, state)).toEqual({ code: 0, printed: '[]' });
    expect(fake.sockets.size).toBe(0);
  },
);

test('close lets what was sent end, and refuses what comes later', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url });
  await client.get('warm');
  const release = fake.hold();
  const write = client.set('k', 1);
  await until('it is sent', () => fake.received.length > 1);
  const closed = client.close();
  expect(await codeOf(client.get('other'))).toBe('ERR_CLIENT_CLOSED');
  release();
  expect(await write).toBe(true);
  await closed;
  await until('the socket is gone', () => fake.sockets.size === 0);
  expect(client.close()).toBe(client.close());
});

test('close does not wait for another try', async () => {
  const fake = await startFake();
  const client = openClient({ url: fake.url, webSocket: { kind: 'off' }, totalTimeoutMs: 100_000 });
  fake.onHttp = () => ({ status: 503, headers: { 'Retry-After': '60' } });
  const read = codeOf(client.get('k'));
  await until('it is asked', () => fake.asked.length === 1);
  await settles('the close', client.close());
  expect(await read).toBe('ERR_CLIENT_CLOSED');
});

test('a client is closed at the end of its scope', async () => {
  const fake = await startFake();
  {
    await using client = openClient({ url: fake.url });
    await client.get('k');
    expect(fake.sockets.size).toBe(1);
  }
  await until('the socket is gone', () => fake.sockets.size === 0);
});
