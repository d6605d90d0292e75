import { RequestError } from './error-table.js';
import type { Exchange, ExchangeHandler } from './http/transport.js';

/**
 * Serves one method of one path. `parameter` is the raw text that stands in the place of the
 * parameter, never decoded; empty for a path without one. Gives a promise when the answer is not
 * complete on return; throwing and rejecting are answered by the error table.
 */
export type RouteHandler = (exchange: Exchange, parameter: string) => Promise<void> | undefined;

/** A path and what serves it. */
export interface Route {
  /** `/health`, or with a parameter as its last segment `/cache/{key}`. */
  readonly path: string;
  /** By method, in capitals. */
  readonly handlers: Readonly<Record<string, RouteHandler>>;
}

interface CompiledRoute {
  readonly prefix: string;
  readonly hasParameter: boolean;
  readonly handlers: ReadonlyMap<string, RouteHandler>;
  readonly allow: string;
}

const PARAMETER_AT_END = /\{[a-z]+\}$/;

/**
 * Compiles the table. Routes are tried in order, so the one served most stands first.
 *
 * @param onError answers an exchange whose handler failed
 * @throws {TypeError} for a path with a parameter elsewhere than at its end
 */
export function createRouter(
  table: readonly Route[],
  onError: (exchange: Exchange, error: unknown) => void,
): ExchangeHandler {
  const routes = table.map(compileRoute);
  return (exchange) => {
    try {
      const pending = dispatch(routes, exchange);
      return pending?.catch((error: unknown) => onError(exchange, error));
    } catch (error) {
      onError(exchange, error);
      return undefined;
    }
  };
}

function compileRoute({ path, handlers }: Route): CompiledRoute {
  const hasParameter = PARAMETER_AT_END.test(path);
  const prefix = path.replace(PARAMETER_AT_END, '');
  if (!prefix.startsWith('/') || prefix.includes('{') || (hasParameter && !prefix.endsWith('/'))) {
    throw new TypeError(`route ${path}: a parameter must be the whole of the last segment`);
  }
  return {
    prefix,
    hasParameter,
    handlers: new Map(Object.entries(handlers)),
    allow: Object.keys(handlers).join(', '),
  };
}

function dispatch(routes: readonly CompiledRoute[], exchange: Exchange): Promise<void> | undefined {
  const { path, method } = exchange;
  for (const route of routes) {
    if (!matches(route, path)) continue;
    const handler = route.handlers.get(method);
    if (handler === undefined) throw methodNotAllowed(route);
    return handler(exchange, route.hasParameter ? path.slice(route.prefix.length) : '');
  }
  throw new RequestError('ERR_HTTP_NOT_FOUND', 'no such path; a key is one path segment');
}

/** A parameter is one segment: `/cache/a/b` is another path than `/cache/a%2Fb`. */
function matches({ prefix, hasParameter }: CompiledRoute, path: string): boolean {
  if (!hasParameter) return path === prefix;
  return path.startsWith(prefix) && !path.includes('/', prefix.length);
}

function methodNotAllowed({ allow }: CompiledRoute): RequestError {
  return new RequestError('ERR_HTTP_METHOD_NOT_ALLOWED', `this path is served by: ${allow}`, {
    headers: [['Allow', allow]],
  });
}
