/** Entries of the catalogue of bad input that concern JSON bodies, in every dialect. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/index.js';
import { refusal, send } from './support/json-client.js';
import { putText, RawConnection, requestText } from './support/raw-connection.js';
import {
  ask,
  expectRefusal,
  openEngine,
  serveStore,
  type TestService,
  TRANSPORT_KINDS,
  type TransportKind,
  VALUE_BYTES_MAX,
} from './support/test-service.js';

const LINES = [
  'POST /cache/batch/get',
  'POST /cache/batch/set',
  'POST /cache/batch/delete',
  'PUT /api/v1/cache/n/k',
  'POST /api/v1/cache/n/batch/get',
  'POST /api/v1/cache/n/batch/set',
  'PUT /api/cache/k',
  'POST /api/cache/invalidate',
] as const;

const CASES = TRANSPORT_KINDS.flatMap((kind) => LINES.map((line) => [kind, line] as const));

let engine: Engine;
let service: TestService;
const services = new Map<TransportKind, TestService>();

beforeAll(async () => {
  engine = await openEngine();
  for (const kind of TRANSPORT_KINDS) {
    services.set(kind, await serveStore(engine, {}, undefined, kind));
  }
  service = services.get(TRANSPORT_KINDS[0] ?? 'node') as TestService;
});

/** The document with the value in every place where a body of a dialect may have one. */
function bodiesWith(value: string): readonly (readonly [line: string, text: string])[] {
  return [
    ['POST /cache/batch/set', `{"entries":[{"key":"k","value":${value}}]}`],
    ['PUT /api/v1/cache/n/k', `{"value":${value}}`],
    ['POST /api/v1/cache/n/batch/set', `{"entries":{"k":${value}}}`],
    ['PUT /api/cache/k', `{"key":"k","value":${value}}`],
  ];
}

describe.each(CASES)('over %s: %s', (kind, line) => {
  beforeAll(() => {
    service = services.get(kind) as TestService;
  });

  test.each([
    ['nothing', '', /at byte 0$/],
    ['a truncated document', '{"value":[1', /ends before it is complete, at byte 11$/],
    ['a byte order mark', '\ufeff{"value":1}', /byte order mark.*at byte 0$/],
    ['trailing bytes', '{"value":1} x', /something follows the JSON, at byte 12$/],
    ['invalid UTF-8', Buffer.from('{"value":"\xff"}', 'latin1'), /not UTF-8, at byte 10$/],
    ['a duplicate member', '{"value":1,"v\\u0061lue":2}', /two members of one name, at byte 11$/],
  ])('H27, H29: %s is refused with its place', async (_name, body, message) => {
    const { status, text } = await send(service, line, body);
    expect(status).toBe(400);
    expect(JSON.parse(text)).toEqual(refusal('ERR_HTTP_MALFORMED_BODY', message));
  });

  test('H15: no length at all is refused', async () => {
    const response = await ask(service.port, requestText(line, ['Content-Type: application/json']));
    expectRefusal(response, 411, 'ERR_HTTP_LENGTH_REQUIRED');
  });

  test('H28: a nesting of 100,000 levels is refused at 64', async () => {
    const { status, text } = await send(service, line, `{"value":${'['.repeat(100_000)}`);
    expect(status).toBe(400);
    const message = /^the JSON is nested deeper than 64 levels, at byte 72$/;
    expect(JSON.parse(text)).toEqual(refusal('ERR_HTTP_MALFORMED_BODY', message));
  });

  test.each([
    undefined,
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-16',
    'application/json; charset=iso-8859-1',
    'application/jsonp',
    'text/json',
    ', application/json',
  ])('H30: a body of the type %s is refused', async (type) => {
    const [method = '', path = ''] = line.split(' ');
    const headers = ['Content-Length: 2', ...(type === undefined ? [] : [`Content-Type: ${type}`])];
    const response = await ask(service.port, requestText(`${method} ${path}`, headers, '{}'));
    expectRefusal(response, 415, 'ERR_HTTP_UNSUPPORTED_MEDIA_TYPE');
  });

  test.each(['application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])(
    'H30: a body of the type %s is read',
    async (type) => {
      const { status, text } = await send(service, line, '{"":1}', { 'Content-Type': type });
      expect(status).toBe(422);
      expect(JSON.parse(text)).toEqual(refusal('ERR_HTTP_INVALID_FIELD', /name that is not known/));
    },
  );

  test('H33: a Content-Encoding is refused', async () => {
    const headers = ['Content-Length: 2', 'Content-Type: application/json'];
    const coded = [...headers, 'Content-Encoding: gzip'];
    const response = await ask(service.port, requestText(line, coded, '{}'));
    expectRefusal(response, 415, 'ERR_HTTP_UNSUPPORTED_CODING');
  });

  test('a body over the limit is refused, and the next request answered', async () => {
    const length = `Content-Length: ${4 * VALUE_BYTES_MAX}`;
    const headers = [length, 'Content-Type: application/json'];
    const connection = await RawConnection.open(service.port);
    connection.write(requestText(line, headers));
    expectRefusal(await connection.nextResponse(), 413, 'ERR_CACHE_VALUE_TOO_LARGE');
    connection.destroy();
    expect((await send(service, 'GET /api/cache/metrics')).status).toBe(200);
    expect(service.faults).toEqual([]);
    expect(service.budget.usedBytes).toBe(0);
  });
});

describe('a value inside a document', () => {
  test.each([
    '1e400',
    '-1E-400',
    '9007199254740993',
    '-0',
    '1.0',
    '0.1000000000000000055511151231257827',
    '"\\ud800"',
    '"\\u0041\\/"',
    '{ "b" : 1 , "a" : [ ] }',
    '{"__proto__":{"x":1}}',
    '[[[[]]]]',
    'null',
  ])('H29: %s is stored by its very text', async (value) => {
    for (const [line, text] of bodiesWith(value)) {
      expect((await send(service, line, text)).status, line).toBe(200);
      const space = line.includes('/n/') ? engine.namespace('n') : engine;
      expect(Buffer.from(space.getBytes('k') ?? []).toString(), line).toBe(value);
    }
  });

  test('H28: is taken as deep as the whole document may be', async () => {
    const value = `${'['.repeat(63)}${']'.repeat(63)}`;
    expect((await send(service, 'PUT /api/cache/k', `{"value":${value}}`)).status).toBe(200);
    expect((await send(service, 'PUT /api/cache/k', `{"value":[${value}]}`)).status).toBe(400);
  });

  test('is as large as a value may be, and no larger', async () => {
    const limit = VALUE_BYTES_MAX;
    for (const [line, text] of bodiesWith(`"${'x'.repeat(limit - 2)}"`)) {
      expect((await send(service, line, text)).status, line).toBe(200);
    }
    for (const [line, text] of bodiesWith(`"${'x'.repeat(limit - 1)}"`)) {
      const { status, text: answer } = await send(service, line, text);
      expect(status, line).toBe(413);
      expect(JSON.parse(answer)).toEqual(
        refusal('ERR_CACHE_VALUE_TOO_LARGE', /value.* has more than \d+ bytes$/),
      );
    }
    expect(service.budget.usedBytes).toBe(0);
  });

  test('split at every byte is the same', async () => {
    const value = '[1e400,"\\ud800\u00e4"]';
    const body = Buffer.from(`{"value":${value},"ttl":60}`).toString('latin1');
    const bytes = putText('/api/cache/split', body, ['Content-Type: application/json']);
    const connection = await RawConnection.open(service.port);
    await connection.writeByteByByte(bytes);
    expect((await connection.nextResponse())?.status).toBe(200);
    connection.destroy();
    expect(Buffer.from(engine.getBytes('split') ?? []).toString()).toBe(value);
  });
});
