/** What the transport over node:http refuses by itself, before any route sees it. */
import { STATUS_CODES } from 'node:http';
import { type ErrorCode, errorReply, RequestError } from '../error-table.js';
import type { Reply } from '../wire.js';

/** Header lines of one request; the parser itself would leave out further ones silently. */
export const HEADER_LINES_MAX = 100;

const FIRST_PRINTABLE = 0x21;
const LAST_PRINTABLE = 0x7e;

/** The part of a request that is checked. */
export interface RequestStart {
  readonly httpVersion: string;
  readonly url: string;
  /** Name, value, name, value … as sent. */
  readonly rawHeaders: readonly string[];
}

/**
 * Why a request must not be served, although it could be parsed; `undefined` when it may. A
 * message whose end or whose host can be read in two ways is how one client slips a request into
 * the connection of another behind a proxy.
 */
export function refuseHead({ httpVersion, url, rawHeaders }: RequestStart): Reply | undefined {
  if (httpVersion !== '1.1') {
    return refusal('ERR_HTTP_VERSION_NOT_SUPPORTED', 'only HTTP/1.1 is served');
  }
  if (!url.startsWith('/')) return malformed('the target of a request must be a path');
  if (rawHeaders.length > 2 * HEADER_LINES_MAX) {
    return refusal(
      'ERR_HTTP_HEADERS_TOO_LARGE',
      `the request has more than ${HEADER_LINES_MAX} header lines`,
    );
  }
  return refuseHeaders(rawHeaders);
}

function refuseHeaders(rawHeaders: readonly string[]): Reply | undefined {
  let hostCount = 0;
  let hasHost = false;
  let hasLength = false;
  let codingCount = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const value = rawHeaders[index + 1] ?? '';
    switch (rawHeaders[index]?.toLowerCase()) {
      case 'host':
        hostCount += 1;
        hasHost = value !== '';
        break;
      case 'content-length':
        if (hasLength) return malformed('a request must have one Content-Length');
        hasLength = true;
        break;
      case 'transfer-encoding':
        codingCount += 1;
        if (value.toLowerCase() !== 'chunked' || codingCount > 1) {
          return malformed('a request must have no Transfer-Encoding but chunked, once');
        }
        break;
    }
  }
  if (hostCount !== 1 || !hasHost) return malformed('a request must have exactly one Host');
  if (hasLength && codingCount > 0) {
    return malformed('a request must have either Content-Length or Transfer-Encoding');
  }
  return undefined;
}

/** What the parser gives for a request that it cannot read. */
export interface ParseError extends Error {
  readonly code?: string;
  /** The packet in which it stopped, and where. */
  readonly rawPacket?: Uint8Array;
  readonly bytesParsed?: number;
}

/** The answer to a request that the parser cannot read. */
export function refuseUnreadable(error: ParseError): Reply {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return refusal('ERR_HTTP_HEADERS_TOO_LARGE', 'the request line and headers are too long');
    case 'HPE_INVALID_VERSION':
    case 'HPE_PAUSED_H2_UPGRADE':
      return refusal('ERR_HTTP_VERSION_NOT_SUPPORTED', 'only HTTP/1.1 is served');
    case 'HPE_INVALID_METHOD':
      return isText(error)
        ? refusal('ERR_HTTP_NOT_IMPLEMENTED', 'no such method; methods are written in capitals')
        : malformed('this is not HTTP');
    default:
      return malformed('the request is not well-formed HTTP/1.1');
  }
}

/** Tells an unknown method from bytes that are another protocol, such as TLS. */
function isText({ rawPacket, bytesParsed }: ParseError): boolean {
  const byte = rawPacket?.[bytesParsed ?? 0];
  return byte !== undefined && byte >= FIRST_PRINTABLE && byte <= LAST_PRINTABLE;
}

export function refuseTunnel(): Reply {
  return refusal('ERR_HTTP_NOT_IMPLEMENTED', 'the service is no proxy');
}

export function refuseExpectation(): Reply {
  return refusal('ERR_HTTP_EXPECTATION_FAILED', 'Expect may be 100-continue only');
}

export function refuseSlowHead(): Reply {
  return refusal('ERR_HTTP_REQUEST_TIMEOUT', 'the headers of the request came too slowly');
}

export function refuseSlowBody(): Reply {
  return refusal('ERR_HTTP_REQUEST_TIMEOUT', 'the body of the request came too slowly');
}

function malformed(message: string): Reply {
  return refusal('ERR_HTTP_MALFORMED_REQUEST', message);
}

function refusal(code: ErrorCode, message: string): Reply {
  return errorReply(new RequestError(code, message));
}

/** The bytes of a whole response after which the connection closes. */
export function encodeClosingReply({ status, headers, body }: Reply): Uint8Array {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head =
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n${lines}` +
    `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}
