import { performance } from 'node:perf_hooks';
import { RequestError } from './error-table.js';
import type { RequestGate } from './http/request-gate.js';
import type { Exchange, ExchangeHandler } from './http/transport.js';
import type { OperationDocument } from './openapi/operation-document.js';
import type { OperationName } from './operation-names.js';
import { RecentMap } from './recent-map.js';

/**
 * Serves one method of one path. `parameters` are the raw texts that stand in the place of the
 * path's parameters, in order and never decoded. Gives a promise when the answer is not complete
 * on return; throwing and rejecting are answered by the error table.
 */
export type RouteHandler = (
  exchange: Exchange,
  first: string,
  second: string,
) => Promise<void> | undefined;

/** What serves one method of a path, and what its users are told about it. */
export interface Operation {
  /** What metrics and log lines call it. */
  readonly name: OperationName;
  readonly handle: RouteHandler;
  /** What `/openapi.json` says; absent for what is no part of the interface. */
  readonly document?: OperationDocument;
}

/** A path and what serves it. */
export interface Route {
  /** `/health`, or with one or two parameters, each a whole segment: `/cache/{key}`. */
  readonly path: string;
  /** By method, in capitals. */
  readonly operations: Readonly<Record<string, Operation>>;
}

/** Sees every request from its begin to the end of its answer; must not throw. */
export interface RequestObserver {
  /** Whether `requestId` is wanted on hits too; it is read from the headers, or made. */
  readonly wantsRequestIds: boolean;
  /** The id of a request, out of its headers or made; called before the handler returns. */
  readRequestId(exchange: Exchange): string;
  /**
   * The handler has ended.
   *
   * @param operation `undefined` for a path or a method that nothing serves
   * @param startMs of `performance.now()`
   * @param error what the handler threw; it is answered already
   */
  onEnd(
    operation: OperationName | undefined,
    exchange: Exchange,
    startMs: number,
    error: unknown,
  ): void;
}

interface CompiledRoute {
  readonly segments: readonly string[];
  /** Which segments are parameters. */
  readonly isParameter: readonly boolean[];
  /** The text before the parameter, for a path whose only parameter is its last segment. */
  readonly prefix: string | undefined;
  readonly operations: ReadonlyMap<string, Operation>;
  readonly allow: string;
}

type Parameters = readonly [first: string, second: string];

interface FoundRoute {
  readonly route: CompiledRoute;
  /** As they stand in the path. */
  readonly parameters: Parameters;
}

/** Paths of hot entries, of a length that keys usually have. */
const RECENT_PATHS_MAX = 4_096;
const RECENT_PATH_LENGTH_MAX = 256;

const PARAMETER = /^\{[a-z]+\}$/;
const PARAMETERS_MAX = 2;

const OPEN_GATE: RequestGate = {
  watchesReads: false,
  open: (exchange) => exchange,
  check: () => undefined,
  answerPreflight: () => false,
};

/**
 * Compiles the table. Routes are tried in order, so the one served most stands first; among routes
 * that fit one path, the one with the fixed segment must stand before that with a parameter.
 *
 * @param onError answers an exchange whose handler failed
 * @param gate what requests pass before their handlers; default: all do
 * @throws {TypeError} for a path that cannot be compiled
 */
export function createRouter(
  table: readonly Route[],
  observer: RequestObserver,
  onError: (exchange: Exchange, error: unknown) => void,
  gate: RequestGate = OPEN_GATE,
): ExchangeHandler {
  const routes = table.map(compileRoute);
  // The texts of known parameters are the same objects each time, whose hashes are known, too.
  const recentPaths = new RecentMap<FoundRoute>(RECENT_PATHS_MAX, RECENT_PATH_LENGTH_MAX);
  const ends: RequestEnds = { observer, onError };
  // No closure may be made here: most requests are hits, which are answered before it returns.
  return (exchange) => {
    const startMs = performance.now();
    let operation: Operation | undefined;
    let admitted = exchange;
    try {
      const isWatched = exchange.method !== 'GET' || gate.watchesReads;
      // First, so that pages that may read answers can read refusals too.
      if (isWatched) admitted = gate.open(exchange);
      const { path } = exchange;
      let found = recentPaths.get(path);
      if (found === undefined) {
        found = findRoute(routes, path);
        recentPaths.note(path, found);
      }
      const { route, parameters } = found;
      operation = route.operations.get(exchange.method);
      if (operation === undefined) {
        if (!gate.answerPreflight(admitted, route.allow)) throw methodNotAllowed(route);
      } else {
        if (isWatched) gate.check(admitted, operation.name);
        const pending = run(operation, parameters, admitted, observer);
        if (pending !== undefined) {
          return endLater(ends, pending, { operation, exchange, admitted, startMs });
        }
      }
    } catch (error) {
      if (exchange.requestId === '') exchange.requestId = observer.readRequestId(exchange);
      onError(admitted, error);
      observer.onEnd(operation?.name, exchange, startMs, error);
      return undefined;
    }
    observer.onEnd(operation?.name, exchange, startMs, undefined);
    return undefined;
  };
}

interface RequestEnds {
  readonly observer: RequestObserver;
  readonly onError: (exchange: Exchange, error: unknown) => void;
}

interface PendingRequest {
  readonly operation: Operation;
  readonly exchange: Exchange;
  /** What the handler was given: the exchange, or the gate's own around it. */
  readonly admitted: Exchange;
  readonly startMs: number;
}

function endLater(
  { observer, onError }: RequestEnds,
  pending: Promise<void>,
  { operation, exchange, admitted, startMs }: PendingRequest,
): Promise<void> {
  // A refusal that comes later carries an id, and headers cannot be read any more by then.
  if (exchange.requestId === '') exchange.requestId = observer.readRequestId(exchange);
  return pending.then(
    () => observer.onEnd(operation.name, exchange, startMs, undefined),
    (error: unknown) => {
      onError(admitted, error);
      observer.onEnd(operation.name, exchange, startMs, error);
    },
  );
}

function run(
  operation: Operation,
  parameters: Parameters,
  exchange: Exchange,
  observer: RequestObserver,
): Promise<void> | undefined {
  // Reading two headers costs more than a hit itself: hits get an id only where it is written down.
  if (exchange.method !== 'GET' || observer.wantsRequestIds) {
    exchange.requestId = observer.readRequestId(exchange);
  }
  return operation.handle(exchange, parameters[0], parameters[1]);
}

function compileRoute({ path, operations }: Route): CompiledRoute {
  const segments = path.split('/');
  const isParameter = segments.map((segment) => PARAMETER.test(segment));
  const parameterCount = isParameter.filter(Boolean).length;
  const isBroken = segments.some((segment, index) => segment.includes('{') && !isParameter[index]);
  if (!path.startsWith('/') || isBroken || parameterCount > PARAMETERS_MAX) {
    throw new TypeError(`route ${path}: parameters must be whole segments, two at most`);
  }
  const hasLastAlone = parameterCount === 1 && isParameter.at(-1) === true;
  return {
    segments,
    isParameter,
    prefix: hasLastAlone ? path.slice(0, path.lastIndexOf('/') + 1) : undefined,
    operations: new Map(Object.entries(operations)),
    allow: Object.keys(operations).join(', '),
  };
}

function findRoute(routes: readonly CompiledRoute[], path: string): FoundRoute {
  let segments: readonly string[] | undefined;
  for (const route of routes) {
    if (route.prefix !== undefined) {
      // A parameter is one segment: `/cache/a/b` is another path than `/cache/a%2Fb`.
      if (!path.startsWith(route.prefix) || path.includes('/', route.prefix.length)) continue;
      return { route, parameters: [path.slice(route.prefix.length), ''] };
    }
    segments ??= path.split('/');
    if (!fits(route, segments)) continue;
    const [first = '', second = ''] = segments.filter((_, index) => route.isParameter[index]);
    return { route, parameters: [first, second] };
  }
  throw new RequestError('ERR_HTTP_NOT_FOUND', 'no such path; a key is one path segment');
}

function fits({ segments, isParameter }: CompiledRoute, given: readonly string[]): boolean {
  if (given.length !== segments.length) return false;
  return segments.every((segment, index) => isParameter[index] || segment === given[index]);
}

function methodNotAllowed({ allow }: CompiledRoute): RequestError {
  return new RequestError('ERR_HTTP_METHOD_NOT_ALLOWED', `this path is served by: ${allow}`, {
    headers: [['Allow', allow]],
  });
}
