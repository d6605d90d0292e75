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
}

/** Lines of the headers that matter, repeated ones kept apart. */
interface HeaderLines {
  host: string[];
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
  const lines: HeaderLines = {
    host: [],
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
  if (lines.host.length !== 1 || lines.host[0] === '') throw malformed('exactly one Host');
  const isChunked = readTransferEncoding(lines['transfer-encoding']);
  const statedBytes = readContentLength(lines['content-length']);
  if (isChunked && statedBytes !== undefined) {
    throw malformed('either Content-Length or Transfer-Encoding');
  }
  refusePartsAndCodings(lines);
  return {
    contentBytes: isChunked ? undefined : (statedBytes ?? 0),
    statesBody: isChunked || statedBytes !== undefined,
    ttl: single(lines['x-cache-ttl'], 'X-Cache-TTL'),
    contentType: single(lines['content-type'], 'Content-Type'),
  };
}

/** A body is stored as it comes and given back whole: what it stands for must be itself. */
function refusePartsAndCodings(lines: HeaderLines): void {
  if (lines['content-range'].length > 0) {
    throw new RequestError('ERR_HTTP_MALFORMED_REQUEST', 'a part of a value cannot be stored');
  }
  const [coding] = lines['content-encoding'];
  if (lines['content-encoding'].length > 1 || (coding ?? 'identity').toLowerCase() !== 'identity') {
    throw new RequestError(
      'ERR_HTTP_UNSUPPORTED_CODING',
      'the service keeps no Content-Encoding: send the body without one',
    );
  }
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

function malformed(rule: string): RequestError {
  return new RequestError('ERR_HTTP_MALFORMED_REQUEST', `a request must have ${rule}`, {
    closes: true,
  });
}
