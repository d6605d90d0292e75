import { expect, test } from 'vitest';
import { chooseTransport } from '../../../server/http/choose-transport.js';
import { createNodeTransport } from '../../../server/http/node-transport.js';
import { TransportUnavailableError } from '../../../server/http/uws-transport.js';

const loads = (): Promise<unknown> => Promise.resolve({});
const fails = (): Promise<unknown> => Promise.reject(new Error('no binary\nmore'));

test('auto is uWebSockets.js where it loads, and says which package it is', async () => {
  const { transport, why } = await chooseTransport('auto', loads);
  expect(transport.kind).toBe('uws');
  expect(why).toMatch(/^uWebSockets\.js \(\S+ [\d.]+\), its binary loads here$/);
});

test('auto is node:http where it does not, and says why', async () => {
  const { transport, why } = await chooseTransport('auto', fails);
  expect(transport.kind).toBe('node');
  expect(why).toMatch(/^node:http \(ws 8[\d.]+\), uWebSockets\.js cannot be loaded .*: no binary$/);
});

test('node is never anything else', async () => {
  const { transport, why } = await chooseTransport('node', loads);
  expect(transport.kind).toBe('node');
  expect(why).toMatch(/, as HTTP_TRANSPORT=node asks$/);
});

test('uws is refused where it does not load, with what to do', async () => {
  expect((await chooseTransport('uws', loads)).transport.kind).toBe('uws');
  const refused = chooseTransport('uws', fails);
  await expect(refused).rejects.toThrow(TransportUnavailableError);
  await expect(refused).rejects.toThrow(/npm ci --include=optional.*HTTP_TRANSPORT=node/);
});

test('node:http shares a port where Node.js has it, else says why not', () => {
  const { portSharing } = createNodeTransport();
  if (portSharing.works) expect(process.platform).not.toBe('win32');
  else expect(portSharing.why).toMatch(/^node:http (shares a port from Node\.js 22\.12|cannot)/);
});
