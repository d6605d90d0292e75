// Requests that are right, and ways to make them wrong.

import { createRandom, type Random } from '../../lib/random.js';

const JSON_TYPE = 'Content-Type: application/json';

/** One of each kind of request that the service takes. */
export const CORPUS: readonly Buffer[] = [
  request('GET /cache/user:1'),
  request('HEAD /cache/user:1'),
  request('GET /cache/user%3A1?x=1', ['If-None-Match: "0011223344556677", *', 'Accept: */*;q=0.5']),
  request('GET /cache/blob', ['Accept: application/msgpack', 'Accept-Encoding: lz4, gzip;q=0.1']),
  put('/cache/user:1', '{"name":"Alice"}', [JSON_TYPE, 'X-Cache-TTL: 60', 'X-Cache-Tags: a, b']),
  put('/cache/user:2', 'plain', ['X-Cache-Mode: NX', 'Cache-Tag: a,b', 'Surrogate-Key: c d']),
  put('/cache/user:2', 'x', ['If-Match: *']),
  put('/cache/packed', '\x82\xa1a\x01\xa1b\x93\x01\x02\x03', ['Content-Type: application/msgpack']),
  put('/cache/zip', '\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x04\x00', [
    'Content-Encoding: gzip',
  ]),
  put('/cache/lz4', '\x05\x00\x00\x00\x50hello', ['Content-Encoding: lz4']),
  put('/cache/large', 'abcdefgh'.repeat(600)),
  request(
    'PUT /cache/chunked',
    ['Transfer-Encoding: chunked', JSON_TYPE],
    '5\r\n{"a":\r\n2;x=y\r\n1}\r\n0\r\nTrailer: t\r\n\r\n',
  ),
  body('PATCH /cache/user:1', '{"ttl":30}'),
  request('DELETE /cache/user:1'),
  request('DELETE /cache?pattern=user:*'),
  request('DELETE /cache?tag=a'),
  request('DELETE /cache?prefix=user%3A&confirm=true'),
  request('GET /cache?prefix=user:&limit=10&cursor=AAAA'),
  body('POST /cache/batch/get', '{"keys":["user:1","user:2","__proto__"]}'),
  body('POST /cache/batch/set', '{"entries":[{"key":"a","value":{"b":[1,2,3]},"ttl":5}]}'),
  body('POST /cache/batch/delete', '{"keys":["a","b"]}'),
  request('GET /api/v1/cache/sessions/foo'),
  body('PUT /api/v1/cache/sessions/foo', '{"value":"bar","ttl_seconds":300}'),
  body('POST /api/v1/cache/sessions/batch/set', '{"entries":{"a":1,"b":"Yg=="},"ttl_seconds":9}'),
  body('POST /api/v1/cache/sessions/batch/get', '{"keys":["a","b","c"]}'),
  request('GET /api/cache/user:1'),
  body('PUT /api/cache/user:1', '{"key":"user:1","value":{"id":1},"ttl":3600}'),
  body('POST /api/cache/invalidate', '{"keys":["user:1","user:456"]}'),
  body('POST /api/cache/invalidate', '{"pattern":"user:*"}'),
  request('GET /api/cache/metrics'),
  request('GET /health'),
  request('GET /ready'),
  request('GET /openapi.json'),
  request('GET /stats'),
  request('GET /ws', [
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Protocol: hotshard.json.v1',
  ]),
  request('OPTIONS /cache/a', ['Origin: https://app.example', 'X-Request-Id: abc']),
];

/** Texts that parsers have stumbled over. */
const TOKENS = [
  '\r\n',
  '\r\n\r\n',
  '\n',
  '\0',
  '%00',
  '%',
  '%ff',
  '%ed%a0%80',
  '../',
  '//',
  ' ',
  ':',
  '"',
  '\\',
  '{',
  '['.repeat(70),
  '{"a":'.repeat(70),
  '"\\ud800"',
  '1e400',
  '-1',
  '18446744073709551616',
  '__proto__',
  'constructor',
  '*',
  '[a-',
  'Content-Length: 5\r\n',
  'Content-Length: -1\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: xchunked\r\n',
  'Host: other\r\n',
  'Expect: 100-continue\r\n',
  'Connection: close\r\n',
  'X: ',
  '\xff\xfe',
  '\xc1\xc1',
  '\xdf\xff\xff\xff\xff',
  '\xff\xff\xff\x7f',
  ' HTTP/1.0',
  ' HTTP/9.9',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
].map((token) => Buffer.from(token, 'latin1'));

const MUTATIONS_MAX = 4;
const RANGE_BYTES_MAX = 64;

/**
 * A request of the corpus with one to four changes; the same seed gives the same request. In half
 * of them the length is set right again, so that changes of the body reach whoever reads bodies.
 */
export function mutate(seed: number): Buffer {
  const random = createRandom(seed);
  let bytes = Buffer.from(pick(CORPUS, random));
  const count = random.below(2) === 0 ? 1 : 1 + random.below(MUTATIONS_MAX);
  for (let index = 0; index < count; index++) bytes = mutateOnce(bytes, random);
  return random.below(2) === 0 ? repairLength(bytes) : bytes;
}

const HEAD_END = '\r\n\r\n';
const LENGTH_LINE = /^Content-Length: \d+$/m;

function repairLength(bytes: Buffer): Buffer<ArrayBuffer> {
  const text = bytes.toString('latin1');
  const headEnd = text.indexOf(HEAD_END);
  if (headEnd === -1) return Buffer.from(text, 'latin1');
  const head = text.slice(0, headEnd).replaceAll('\r', '');
  const length = `Content-Length: ${bytes.length - headEnd - HEAD_END.length}`;
  const repaired = head.replace(LENGTH_LINE, length).replaceAll('\n', '\r\n');
  return Buffer.from(repaired + text.slice(headEnd), 'latin1');
}

function mutateOnce(bytes: Buffer, random: Random): Buffer<ArrayBuffer> {
  const at = random.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + random.below(RANGE_BYTES_MAX));
  switch (random.below(7)) {
    case 0:
      return flipBit(bytes, random);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), pick(TOKENS, random), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), pick(TOKENS, random), bytes.subarray(end)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at), pick(CORPUS, random)]);
    default:
      return Buffer.concat([bytes, pick(CORPUS, random)]);
  }
}

function flipBit(bytes: Buffer, random: Random): Buffer<ArrayBuffer> {
  const copy = Buffer.from(bytes);
  if (copy.length === 0) return copy;
  const at = random.below(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  return copy;
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[random.below(items.length)] as T;
}

function request(line: string, headers: readonly string[] = [], content = ''): Buffer {
  const head = [`${line} HTTP/1.1`, 'Host: localhost', ...headers];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${content}`, 'latin1');
}

function put(path: string, content: string, headers: readonly string[] = []): Buffer {
  return request(`PUT ${path}`, [`Content-Length: ${content.length}`, ...headers], content);
}

function body(line: string, content: string): Buffer {
  return request(line, [JSON_TYPE, `Content-Length: ${content.length}`], content);
}
