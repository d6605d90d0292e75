import { RequestError } from '../error-table.js';
import { parseContentLength } from '../wire.js';
import type { Exchange } from './transport.js';

/** The headers of a request that changes something. */
export interface RequestHead {
  /** Bytes of the body; `undefined` when it is chunked, 0 when there is none. */
  readonly contentBytes: number | undefined;
  /** Whether the request says anything about a body. */
  readonly statesBody: boolean;
  /** As sent, empty too; `undefined` when absent. */
  readonly ttl: string | undefined;
  readonly contentType: string | undefined;
  /** As sent, several lines joined by commas; `undefined` when absent. */
  readonly contentEncoding: string | undefined;
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly mode: string | undefined;
  /** Lines of `X-Cache-Tags` and `Cache-Tag`, each a list with commas. */
  readonly tagLists: readonly string[];
  /** Lines of `Surrogate-Key`, each a list with spaces. */
  readonly surrogateKeys: readonly string[];
}

/** Lines of the headers that matter, repeated ones kept apart. */
interface HeaderLines {
  host: string[];
  authorization: string[];
  'cache-tag': string[];
  'if-match': string[];
  'if-none-match': string[];
  'surrogate-key': string[];
  'x-cache-mode': string[];
  'x-cache-tags': string[];
  'content-encoding': string[];
  'content-length': string[];
  'content-range': string[];
  'transfer-encoding': string[];
  'content-type': string[];
  'x-cache-ttl': string[];
}

/**
 * Reads and checks the head of a request that changes something. A message whose end could be
 * read in two ways is how one client slips a request into the connection of another behind a
 * proxy, so it is refused, and the connection closed, even where the transport would take it.
 *
 * @throws {RequestError}
 */
export function readRequestHead(exchange: Exchange): RequestHead {
  const lines = readLines(exchange);
  if (lines.host.length !== 1 || lines.host[0] === '') throw malformed('exactly one Host');
  const isChunked = readTransferEncoding(lines['transfer-encoding']);
  const statedBytes = readContentLength(lines['content-length']);
  if (isChunked && statedBytes !== undefined) {
    throw malformed('either Content-Length or Transfer-Encoding');
  }
  // Two of them may be two clients, as two parsers see it.
  if (lines.authorization.length > 1) throw malformed('Authorization at most once');
  if (lines['content-range'].length > 0) {
    throw new RequestError('ERR_HTTP_MALFORMED_REQUEST', 'a part of a value cannot be stored');
  }
  return {
    contentBytes: isChunked ? undefined : (statedBytes ?? 0),
    statesBody: isChunked || statedBytes !== undefined,
    ttl: single(lines['x-cache-ttl'], 'X-Cache-TTL'),
    contentType: single(lines['content-type'], 'Content-Type'),
    contentEncoding: joined(lines['content-encoding']),
    ifMatch: joined(lines['if-match']),
    ifNoneMatch: joined(lines['if-none-match']),
    mode: single(lines['x-cache-mode'], 'X-Cache-Mode'),
    tagLists: [...lines['x-cache-tags'], ...lines['cache-tag']],
    surrogateKeys: lines['surrogate-key'],
  };
}

/**
 * For requests that have no meaning without a body.
 *
 * @throws {RequestError} `ERR_HTTP_LENGTH_REQUIRED` where nothing is said of one
 */
export function requireLength({ statesBody }: RequestHead): void {
  if (statesBody) return;
  throw new RequestError('ERR_HTTP_LENGTH_REQUIRED', 'the request needs a Content-Length', {
    closes: true,
  });
}

function readLines(exchange: Exchange): HeaderLines {
  const lines: HeaderLines = {
    host: [],
    authorization: [],
    'cache-tag': [],
    'if-match': [],
    'if-none-match': [],
    'surrogate-key': [],
    'x-cache-mode': [],
    'x-cache-tags': [],
    'content-encoding': [],
    'content-length': [],
    'content-range': [],
    'transfer-encoding': [],
    'content-type': [],
    'x-cache-ttl': [],
  };
  exchange.visitHeaders((name, value) => {
    if (Object.hasOwn(lines, name)) lines[name as keyof HeaderLines].push(value);
  });
  return lines;
}

function readTransferEncoding(lines: readonly string[]): boolean {
  if (lines.length === 0) return false;
  if (lines.length > 1 || lines[0]?.toLowerCase() !== 'chunked') {
    throw malformed('no Transfer-Encoding but chunked, once');
  }
  return true;
}

function readContentLength(lines: readonly string[]): number | undefined {
  const [text] = lines;
  if (text === undefined) return undefined;
  const contentBytes = lines.length === 1 ? parseContentLength(text) : undefined;
  if (contentBytes === undefined) throw malformed('one Content-Length of decimal digits');
  return contentBytes;
}

function single(lines: readonly string[], name: string): string | undefined {
  if (lines.length > 1) throw malformed(`${name} at most once`);
  return lines[0];
}

/** Lines of a header that is a list, as one. */
function joined(lines: readonly string[]): string | undefined {
  return lines.length === 0 ? undefined : lines.join(', ');
}

function malformed(rule: string): RequestError {
  return new RequestError('ERR_HTTP_MALFORMED_REQUEST', `a request must have ${rule}`, {
    closes: true,
  });
}
