import { createHash } from 'node:crypto';
import { RequestError } from '../error-table.js';
import type { OperationName } from '../operation-names.js';
import type { ServiceSettings } from '../service-settings.js';
import { CrossOrigin } from './cross-origin.js';
import { RateLimit } from './rate-limit.js';
import type { Exchange } from './transport.js';

/**
 * What every request passes before its handler sees it, whatever its dialect: which origin it comes
 * from, and whether its client sends too many.
 */
export interface RequestGate {
  /** Whether reads are looked at too; where not, a hit pays nothing for the gate. */
  readonly watchesReads: boolean;
  /** The exchange to answer, by the handler or by a refusal. */
  open(exchange: Exchange): Exchange;
  /** @throws {RequestError} for a request that is not let in */
  check(exchange: Exchange, operation: OperationName): void;
  /**
   * Answers an OPTIONS that asks for a page of another origin; whether it was that.
   *
   * @throws {RequestError}
   */
  answerPreflight(exchange: Exchange, methods: string): boolean;
}

/** @param settings those of one thread: each counts the requests that come to it */
export function createRequestGate({
  allowedOrigins,
  requestsPerSecondMax,
}: Pick<ServiceSettings, 'allowedOrigins' | 'requestsPerSecondMax'>): RequestGate {
  const origins = new CrossOrigin(allowedOrigins);
  const rate = requestsPerSecondMax > 0 ? new RateLimit(requestsPerSecondMax) : undefined;
  return {
    watchesReads: origins.letsPagesIn || rate !== undefined,
    open: (exchange) => origins.open(exchange),
    check: (exchange, operation) => {
      origins.check(exchange);
      // Whoever watches over the service must see it while clients send too much.
      const isLimited = rate !== undefined && operation !== 'status';
      if (isLimited && !rate.admits(clientOf(exchange))) throw tooManyRequests();
    },
    answerPreflight: (exchange, methods) => origins.answerPreflight(exchange, methods),
  };
}

/**
 * Who sends: the token, else the address of the connection. Headers that name another address are
 * not heeded, since anybody can write them. Tokens are not kept, their hashes are.
 *
 * @throws {RequestError} for two tokens
 */
function clientOf(exchange: Exchange): string {
  const tokens: string[] = [];
  exchange.visitHeaders((name, value) => {
    if (name === 'authorization') tokens.push(value);
  });
  const [token] = tokens;
  if (token === undefined) return `address ${exchange.remoteAddress}`;
  if (tokens.length > 1) {
    throw new RequestError(
      'ERR_HTTP_MALFORMED_REQUEST',
      'a request must have Authorization at most once',
    );
  }
  return `token ${createHash('sha256').update(token).digest('base64')}`;
}

function tooManyRequests(): RequestError {
  return new RequestError(
    'ERR_HTTP_TOO_MANY_REQUESTS',
    'this client sends more requests a second than HTTP_MAX_REQUESTS_PER_SECOND allows',
  );
}
