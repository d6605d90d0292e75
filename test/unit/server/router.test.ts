import { describe, expect, test } from 'vitest';
import { RequestError } from '../../../server/error-table.js';
import type { Exchange, ExchangeHandler } from '../../../server/http/transport.js';
import {
  createRouter,
  type RequestObserver,
  type Route,
  type RouteHandler,
} from '../../../server/router.js';
import { ExchangeDouble } from '../../server/support/exchange-double.js';

interface Routed {
  readonly router: ExchangeHandler;
  /** `method path parameter` of each call, and the message of each error. */
  readonly seen: string[];
}

const OBSERVER: RequestObserver = {
  wantsRequestIds: false,
  readRequestId: () => 'id',
  onEnd: () => undefined,
};

function route(handlers: Readonly<Record<string, RouteHandler>> = {}): Routed {
  const seen: string[] = [];
  const note: RouteHandler = (exchange, first, second) => {
    seen.push(`${exchange.method} ${exchange.path} ${first} ${second}`.trimEnd());
    return undefined;
  };
  const table: Route[] = [
    {
      path: '/cache/{key}',
      operations: {
        GET: { name: 'get', handle: handlers['GET'] ?? note },
        PUT: { name: 'set', handle: handlers['PUT'] ?? note },
      },
    },
    { path: '/health', operations: { GET: { name: 'status', handle: note } } },
    { path: '/in/{space}/fixed', operations: { GET: { name: 'get', handle: note } } },
    { path: '/in/{space}/{key}', operations: { GET: { name: 'get', handle: note } } },
  ];
  const router = createRouter(table, OBSERVER, (_exchange: Exchange, error) => {
    seen.push(error instanceof RequestError ? error.code : String(error));
  });
  return { router, seen };
}

function send(method: string, path: string): string[] {
  const { router, seen } = route();
  router(new ExchangeDouble(method, path));
  return seen;
}

describe('the router', () => {
  test('gives a handler the raw text of the parameter', () => {
    expect(send('GET', '/cache/a%2Fb')).toEqual(['GET /cache/a%2Fb a%2Fb']);
    expect(send('PUT', '/cache/')).toEqual(['PUT /cache/']);
    expect(send('GET', '/health')).toEqual(['GET /health']);
  });

  test('gives a handler two parameters, and fixed segments before parameters', () => {
    expect(send('GET', '/in/a%2F/b')).toEqual(['GET /in/a%2F/b a%2F b']);
    expect(send('GET', '/in/a/fixed')).toEqual(['GET /in/a/fixed a']);
  });

  test.each([
    '/',
    '/cache',
    '/cache/a/b',
    '/cache//',
    '/cache/../health',
    '/health/',
    '/healthy',
    '/Cache/a',
  ])('knows no path %s', (path) => {
    expect(send('GET', path)).toEqual(['ERR_HTTP_NOT_FOUND']);
  });

  test.each(['POST', 'HEAD', 'get', '', '__proto__', 'constructor', 'toString'])(
    'knows no method %j',
    (method) => {
      expect(send(method, '/cache/a')).toEqual(['ERR_HTTP_METHOD_NOT_ALLOWED']);
    },
  );

  test('lists the methods of the path when it refuses one', () => {
    let allow: Readonly<Record<string, string>> = {};
    const router = createRouter(
      [{ path: '/health', operations: { GET: { name: 'status', handle: () => undefined } } }],
      OBSERVER,
      (_exchange, error) => {
        allow = Object.fromEntries(error instanceof RequestError ? error.headers : []);
      },
    );
    router(new ExchangeDouble('PUT', '/health'));
    expect(allow).toEqual({ Allow: 'GET' });
  });

  test('hands over what a handler throws, at once or later', async () => {
    const { router, seen } = route({
      GET: () => {
        throw new Error('thrown');
      },
      PUT: () => Promise.reject(new Error('rejected')),
    });
    expect(router(new ExchangeDouble('GET', '/cache/a'))).toBeUndefined();
    await router(new ExchangeDouble('PUT', '/cache/a'));
    expect(seen).toEqual(['Error: thrown', 'Error: rejected']);
  });

  test.each(['cache/{key}', '/a{key}', '/{a}/{b}/{c}', '/{a}b/c'])(
    'refuses the path %s',
    (path) => {
      const table = [{ path, operations: {} }];
      expect(() => createRouter(table, OBSERVER, () => undefined)).toThrow(TypeError);
    },
  );
});
