import { RequestError } from '../error-table.js';
import type { UpgradeRequest } from '../http/transport.js';
import type { FrameFormat } from './frame-format.js';
import { JSON_FORMAT } from './json-format.js';
import { MESSAGE_PACK_FORMAT } from './message-pack-format.js';

/** Where WebSockets are opened. */
export const SOCKET_PATH = '/ws';

const FORMATS: readonly FrameFormat[] = [JSON_FORMAT, MESSAGE_PACK_FORMAT];
/** Parameters of the query by which tokens are passed elsewhere. */
const TOKEN_PARAMETERS: ReadonlySet<string> = new Set([
  'token',
  'access_token',
  'auth_token',
  'authorization',
]);

/** What an accepted request speaks from then on. */
export interface ChosenFormat {
  readonly format: FrameFormat;
  /** What the answer names; `undefined` when the client offered none. */
  readonly protocol: string | undefined;
}

/**
 * Checks a request to open a WebSocket.
 *
 * @param allowedOrigins origins of web pages that may, besides those of the service itself
 * @throws {RequestError} why not
 */
export function checkUpgrade(
  request: UpgradeRequest,
  allowedOrigins: readonly string[],
): ChosenFormat {
  if (request.path !== SOCKET_PATH) {
    throw new RequestError('ERR_HTTP_NOT_FOUND', `WebSockets are opened at ${SOCKET_PATH}`);
  }
  checkOrigin(request, allowedOrigins);
  checkQuery(request.query);
  return chooseFormat(request.header('sec-websocket-protocol'));
}

/**
 * Browsers let a page of any origin open a WebSocket, and say which one it is. Programs that are no
 * browsers leave the header out.
 */
function checkOrigin(request: UpgradeRequest, allowedOrigins: readonly string[]): void {
  const origin = request.header('origin');
  if (origin === '' || allowedOrigins.includes(origin)) return;
  // The scheme is not compared: behind a proxy that ends TLS it is another one.
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  const isSame =
    url !== undefined && url.origin === origin && url.host !== '' && isHost(request, url);
  if (isSame) return;
  throw new RequestError(
    'ERR_HTTP_FOREIGN_ORIGIN',
    'pages of this origin may not open WebSockets here; HTTP_ALLOWED_ORIGINS lists those that may',
  );
}

function isHost(request: UpgradeRequest, { host, protocol }: URL): boolean {
  const given = request.header('host').toLowerCase();
  const defaultPort = protocol === 'https:' ? ':443' : ':80';
  return given === host || given === `${host}${defaultPort}`;
}

function checkQuery(query: string): void {
  for (const name of new URLSearchParams(query).keys()) {
    if (!TOKEN_PARAMETERS.has(name.toLowerCase())) continue;
    throw new RequestError(
      'ERR_HTTP_TOKEN_IN_URL',
      'a token must not stand in the URL; send the header Authorization',
      { headers: [['WWW-Authenticate', 'Bearer']] },
    );
  }
}

/** The first of the client's that is known. */
function chooseFormat(offered: string): ChosenFormat {
  if (offered === '') return { format: JSON_FORMAT, protocol: undefined };
  for (const name of offered.split(',')) {
    const format = FORMATS.find(({ protocol }) => protocol === name.trim());
    if (format !== undefined) return { format, protocol: format.protocol };
  }
  const known = FORMATS.map(({ protocol }) => protocol).join(' and ');
  throw new RequestError(
    'ERR_HTTP_MALFORMED_REQUEST',
    `none of the subprotocols offered is served here; those are ${known}`,
  );
}
