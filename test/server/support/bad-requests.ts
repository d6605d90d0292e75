/**
 * Requests that a server must not serve, or only with care, and what each transport answers: the
 * data of a test, and of the table in docs/SECURITY.md.
 */
import { requestText } from './raw-connection.js';
import type { TransportKind } from './test-service.js';

export interface BadRequest {
  /** The entry of the catalogue of bad input. */
  readonly entry: string;
  /** As the table names it; what stands in backticks may be merged with that of like rows. */
  readonly name: string;
  readonly bytes: string;
  /**
   * What comes back: the status and `closed`, or the status alone where the connection lives on;
   * `closed` alone for a connection that is closed without an answer; `200, then 405` where a part
   * of the request is taken for the begin of the next one, a good GET.
   */
  readonly answer: Readonly<Record<TransportKind, string>>;
  /** Whether uWebSockets.js loses the answer to a good request in the same packet before it. */
  readonly losesGood: boolean;
}

interface Given extends Omit<BadRequest, 'answer' | 'losesGood'> {
  readonly node: string;
  /** Where it differs. */
  readonly uws?: string;
  readonly losesGood?: boolean;
}

const CHUNKED = 'Transfer-Encoding: chunked';
const CHUNKS = '5\r\nabcde\r\n0\r\n\r\n';

function put(headers: readonly string[], body = 'abcde'): string {
  return requestText('PUT /cache/framed', headers, body);
}

function read(headers: readonly string[], body = 'abcde'): string {
  return requestText('GET /health', headers, body);
}

const BOTH = [`Content-Length: ${CHUNKS.length}`, CHUNKED];
const DIFFERING = ['Content-Length: 5', 'Content-Length: 3'];

const LENGTHS = ['+5', '-1', '5, 5', '5a', '18446744073709551616', '0x5', '5.0'];

const lengths: readonly Given[] = LENGTHS.flatMap((length) => {
  const headers = [`Content-Length: ${length}`];
  const rest = { entry: 'H3', node: '400 closed', losesGood: true };
  return [
    { ...rest, name: `PUT, Content-Length \`${length}\``, bytes: put(headers) },
    { ...rest, name: `GET, Content-Length \`${length}\``, bytes: read(headers) },
  ];
});

const CODINGS = ['xchunked', 'identity', 'chunked, chunked', 'gzip, chunked', 'chunked, identity'];

const codings: readonly Given[] = CODINGS.flatMap((coding) => {
  const headers = [`Transfer-Encoding: ${coding}`];
  const rest = { entry: 'H4', node: '400 closed' };
  const name = `Transfer-Encoding \`${coding}\``;
  return [
    { ...rest, name: `PUT, ${name}`, bytes: put(headers, CHUNKS) },
    { ...rest, name: `GET, ${name}`, bytes: read(headers, CHUNKS), uws: '200' },
  ];
});

function chunkSize(size: string): Pick<Given, 'entry' | 'name' | 'bytes'> {
  return {
    entry: 'H5',
    name: `chunk size \`${size}\``,
    bytes: put([CHUNKED], `${size}\r\nabcde\r\n0\r\n\r\n`),
  };
}

const given: readonly Given[] = [
  {
    entry: 'H1',
    name: 'PUT with Content-Length and Transfer-Encoding',
    bytes: put(BOTH, CHUNKS),
    node: '400 closed',
    losesGood: true,
  },
  {
    entry: 'H1',
    name: 'GET with Content-Length and Transfer-Encoding',
    bytes: read(BOTH, CHUNKS),
    node: '400 closed',
    losesGood: true,
  },
  { entry: 'H2', name: 'PUT with two Content-Length', bytes: put(DIFFERING), node: '400 closed' },
  {
    entry: 'H2',
    name: 'PUT with one Content-Length twice',
    bytes: put(['Content-Length: 5', 'Content-Length: 5']),
    node: '400 closed',
  },
  {
    entry: 'H2',
    name: 'GET with two Content-Length',
    bytes: read(DIFFERING),
    node: '400 closed',
    uws: '200',
  },
  ...lengths,
  {
    entry: 'H3',
    name: 'PUT, empty Content-Length',
    bytes: put(['Content-Length:']),
    node: '400 closed',
  },
  {
    entry: 'H3',
    name: 'GET, empty Content-Length',
    bytes: read(['Content-Length:']),
    node: '400 closed',
    uws: '200, then 405',
  },
  ...codings,
  {
    entry: 'H4',
    name: 'PUT, empty Transfer-Encoding',
    bytes: put(['Transfer-Encoding:'], CHUNKS),
    node: '400 closed',
  },
  {
    entry: 'H4',
    name: 'GET, empty Transfer-Encoding',
    bytes: read(['Transfer-Encoding:'], CHUNKS),
    node: '400 closed',
    uws: '200 closed',
  },
  {
    entry: 'H4',
    name: 'PUT with two Transfer-Encoding',
    bytes: put([CHUNKED, CHUNKED], CHUNKS),
    node: '400 closed',
  },
  { ...chunkSize('-1'), node: '400 closed', losesGood: true },
  { ...chunkSize('0x5'), node: '400 closed', losesGood: true },
  { ...chunkSize('+5'), node: '400 closed', losesGood: true },
  { ...chunkSize('11111111111111111'), node: '400 closed', losesGood: true },
  { ...chunkSize('5 '), node: '400 closed', uws: '201' },
  { ...chunkSize(''), node: '400 closed', uws: '201 closed' },
  { ...chunkSize('5;note=1'), node: '201', uws: '400 closed', losesGood: true },
  {
    entry: 'H5',
    name: 'chunk without its CRLF',
    bytes: put([CHUNKED], '5\r\nabcdeX0\r\n\r\n'),
    node: '400 closed',
    uws: '201',
  },
  {
    entry: 'H5',
    name: 'chunk with bare LF',
    bytes: put([CHUNKED], '5\nabcde\n0\n\n'),
    node: '400 closed',
    uws: '201, then 405',
  },
  {
    entry: 'H5',
    name: 'chunk size `5;a=b`',
    bytes: put([CHUNKED], '5;a=b\r\nabcde\r\n0\r\n\r\n'),
    node: '201',
    uws: 'closed',
  },
  {
    entry: 'H5',
    name: 'chunk extension of 20 KB',
    bytes: put([CHUNKED], `5;${'a'.repeat(20_000)}\r\nabcde\r\n0\r\n\r\n`),
    node: '400 closed',
    losesGood: true,
  },
  {
    entry: 'H6',
    name: 'space before the colon',
    bytes: 'GET /health HTTP/1.1\r\nHost : x\r\n\r\n',
    node: '400 closed',
    uws: 'closed',
  },
  {
    entry: 'H6',
    name: 'folded header',
    bytes: read(['A: b\r\n c'], ''),
    node: '400 closed',
    uws: 'closed',
  },
  {
    entry: 'H6',
    name: 'zero byte in a header',
    bytes: read(['A: b\0c'], ''),
    node: '400 closed',
    uws: 'closed',
  },
  {
    entry: 'H6',
    name: 'bare CR in a header',
    bytes: read(['A: b\rc'], ''),
    node: '400 closed',
    uws: 'closed',
  },
  {
    entry: 'H6',
    name: 'bare LF between headers',
    bytes: 'GET /health HTTP/1.1\r\nHost: x\nA: b\r\n\r\n',
    node: '400 closed',
    uws: 'closed',
  },
  {
    entry: 'H6',
    name: 'header without a name',
    bytes: read([': x'], ''),
    node: '400 closed',
    uws: '200',
  },
  {
    entry: 'H6',
    name: 'header without a name before a bad Content-Length',
    bytes: read([': x', 'Content-Length: x'], ''),
    node: '400 closed',
    uws: '200',
  },
  {
    entry: 'H7',
    name: 'GET without Host',
    bytes: 'GET /health HTTP/1.1\r\nA: b\r\n\r\n',
    node: '400 closed',
    losesGood: true,
  },
  {
    entry: 'H7',
    name: 'GET with an empty Host',
    bytes: read(['Host:'], ''),
    node: '400 closed',
    uws: '200',
  },
  {
    entry: 'H7',
    name: 'GET with two Host',
    bytes: read(['Host: a', 'Host: b'], ''),
    node: '400 closed',
    uws: '200',
  },
  {
    entry: 'H7',
    name: 'PUT without Host',
    bytes: 'PUT /cache/framed HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde',
    node: '400 closed',
    losesGood: true,
  },
  {
    entry: 'H7',
    name: 'PUT with an empty Host',
    bytes: put(['Host:', 'Content-Length: 5']),
    node: '400 closed',
  },
  {
    entry: 'H7',
    name: 'PUT with two Host',
    bytes: put(['Host: a', 'Host: b', 'Content-Length: 5']),
    node: '400 closed',
  },
  {
    entry: 'H7',
    name: 'no header at all',
    bytes: 'GET /health HTTP/1.1\r\n\r\n',
    node: '400 closed',
    uws: 'closed',
  },
  {
    entry: 'H8',
    name: 'HTTP/1.0',
    bytes: 'GET /health HTTP/1.0\r\nHost: x\r\n\r\n',
    node: '505 closed',
    losesGood: true,
  },
  {
    entry: 'H8',
    name: 'HTTP/9.9',
    bytes: 'GET /health HTTP/9.9\r\nHost: x\r\n\r\n',
    node: '505 closed',
    losesGood: true,
  },
  {
    entry: 'H8',
    name: 'HTTP/2.0',
    bytes: 'GET /health HTTP/2.0\r\nHost: x\r\n\r\n',
    node: '505 closed',
    losesGood: true,
  },
  {
    entry: 'H8',
    name: 'preface of HTTP/2',
    bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    node: '505 closed',
    losesGood: true,
  },
  {
    entry: 'H8',
    name: 'TLS hello',
    bytes: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    node: '400 closed',
    uws: '505 closed',
    losesGood: true,
  },
  {
    entry: 'H9',
    name: 'header block over 4 KiB',
    bytes: read([`A: ${'b'.repeat(5_000)}`], ''),
    node: '431 closed',
    losesGood: true,
  },
  {
    entry: 'H9',
    name: '101 header lines',
    bytes: read(
      Array.from({ length: 100 }, (_, index) => `H${index}: b`),
      '',
    ),
    node: '431 closed',
    losesGood: true,
  },
  {
    entry: 'H9',
    name: 'target over 4 KiB',
    bytes: requestText(`GET /cache/${'a'.repeat(5_000)}`),
    node: '431 closed',
    losesGood: true,
  },
  {
    entry: 'H36',
    name: '`TRACE /cache/a`',
    bytes: requestText('TRACE /cache/a'),
    node: '405 closed',
    uws: '405',
  },
  {
    entry: 'H36',
    name: '`CONNECT localhost:80`',
    bytes: requestText('CONNECT localhost:80'),
    node: '501 closed',
    uws: '505 closed',
    losesGood: true,
  },
  {
    entry: 'H36',
    name: '`get /cache/a`',
    bytes: requestText('get /cache/a'),
    node: '501 closed',
    uws: '405',
  },
  {
    entry: 'H36',
    name: '`FOO /cache/a`',
    bytes: requestText('FOO /cache/a'),
    node: '501 closed',
    uws: '405',
  },
  {
    entry: 'H36',
    name: '`OPTIONS *`',
    bytes: requestText('OPTIONS *'),
    node: '400 closed',
    uws: '505 closed',
    losesGood: true,
  },
  {
    entry: 'H43',
    name: '`GET http://169.254.169.254/cache/a`',
    bytes: requestText('GET http://169.254.169.254/cache/a'),
    node: '400 closed',
    uws: '505 closed',
    losesGood: true,
  },
  {
    entry: 'H43',
    name: '`GET //169.254.169.254/cache/a`',
    bytes: requestText('GET //169.254.169.254/cache/a'),
    node: '404',
  },
  {
    entry: 'H18',
    name: 'control character in the target',
    bytes: requestText('GET /cache/a\x01'),
    node: '400 closed',
    uws: '505 closed',
    losesGood: true,
  },
  {
    entry: 'H18',
    name: 'byte over 127 in the target',
    bytes: requestText('GET /cache/\xe9'),
    node: '400 closed',
    uws: '400',
  },
  {
    entry: 'H16',
    name: '`Expect: 200-ok`',
    bytes: put(['Expect: 200-ok', 'Content-Length: 5']),
    node: '417 closed',
    uws: '201',
  },
];

export const BAD_REQUESTS: readonly BadRequest[] = given.map(
  ({ node, uws = node, losesGood = false, ...request }) => ({
    ...request,
    answer: { node, uws },
    losesGood,
  }),
);
