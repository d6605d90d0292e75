import { ClientError } from './client-error.js';
import type { CodecName } from './encoded-value.js';
import type { FetchLike } from './fetch-like.js';
import { nearestOption } from './nearest-option.js';
import type { WebSocketConstructor } from './web-socket-like.js';

/**
 * `on`: requests go through one WebSocket, over HTTP while it is not connected. `off`: HTTP alone.
 */
export type WebSocketOption =
  | { readonly kind: 'off' }
  | {
      readonly kind?: 'on';
      /** Default: in Node.js that of the package `ws`, elsewhere the one of the runtime. */
      readonly implementation?: WebSocketConstructor;
      /**
       * Milliseconds of silence after which the service is asked whether it is there; silent for
       * twice as long again, it is taken for lost. Default 5,000.
       */
      readonly heartbeatMs?: number;
      /** Longest wait before a lost connection is tried anew, in milliseconds. Default 10,000. */
      readonly reconnectMsMax?: number;
    };

/**
 * Decoded copies of entries in this process, dropped when the service says that they changed; needs
 * the WebSocket. A copy is handed out as it is, the same object each time: treat it as read-only.
 */
export type ClientNearCacheOption =
  | { readonly kind: 'off' }
  | {
      readonly kind?: 'on';
      /** Most copies of each namespace, 1 to 1,048,576. Default 10,000. */
      readonly maxEntries?: number;
    };

/** After some failures in a row requests are refused at once, but for one now and then. */
export type BreakerOption =
  | { readonly kind: 'off' }
  | {
      readonly kind?: 'on';
      /** Failures in a row that open it, 1 to 1,000. Default 5. */
      readonly failures?: number;
      /** Milliseconds until one request may try again. Default 2,000. */
      readonly openMs?: number;
    };

/**
 * What a read is answered with while the service cannot be asked. `error`: the promise rejects.
 * `miss`: the key counts as absent, and `getWithMeta` says `unavailable`.
 */
export type FallbackOption = { readonly kind: 'error' } | { readonly kind: 'miss' };

/** What `createClient` takes. */
export interface ClientOptions {
  /** Where the service is: `http://127.0.0.1:8080`, with a path if a proxy serves it under one. */
  readonly url: string;
  /** Whose entries are meant. Default: the unnamed one. */
  readonly namespace?: string;
  /** How values travel that are no bytes. Default `'json'`. */
  readonly codec?: CodecName;
  /** Milliseconds that one try may take, 1 to 600,000. Default 2,000. */
  readonly timeoutMs?: number;
  /** Milliseconds that a call may take with all its tries. Default 10,000. */
  readonly totalTimeoutMs?: number;
  /** How often a call is tried again after a failure that may pass, 0 to 10. Default 2. */
  readonly retries?: number;
  /** Default `{ kind: 'on' }`. */
  readonly webSocket?: WebSocketOption;
  /** Default `{ kind: 'off' }`. */
  readonly nearCache?: ClientNearCacheOption;
  /** Default `{ kind: 'on' }`. */
  readonly breaker?: BreakerOption;
  /** Default `{ kind: 'error' }`. */
  readonly fallback?: FallbackOption;
  /**
   * Sent with every HTTP request, and with the WebSocket where the implementation is that of the
   * package `ws`.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the one of the runtime. */
  readonly fetch?: FetchLike;
}

export interface ResolvedWebSocket {
  readonly implementation: WebSocketConstructor | undefined;
  readonly heartbeatMs: number;
  readonly reconnectMsMax: number;
}

/** What the options mean; nothing is optional any more. */
export interface ResolvedClientOptions {
  /** Without a slash at its end. */
  readonly url: string;
  readonly namespace: string;
  readonly codec: CodecName;
  readonly timeoutMs: number;
  readonly totalTimeoutMs: number;
  readonly retries: number;
  /** `undefined`: off. */
  readonly webSocket: ResolvedWebSocket | undefined;
  /** `undefined`: off. */
  readonly nearEntriesMax: number | undefined;
  /** `undefined`: off. */
  readonly breaker: { readonly failures: number; readonly openMs: number } | undefined;
  readonly fallback: FallbackOption['kind'];
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: FetchLike;
}

const TIME_MS_MAX = 600_000;
const NEAR_ENTRIES_MAX = 1_048_576;

const NAMES: readonly (keyof ClientOptions)[] = [
  'url',
  'namespace',
  'codec',
  'timeoutMs',
  'totalTimeoutMs',
  'retries',
  'webSocket',
  'nearCache',
  'breaker',
  'fallback',
  'headers',
  'fetch',
];

/** @throws {ClientError} `ERR_CLIENT_INVALID_OPTIONS`; the message names the option */
export function resolveClientOptions(options: ClientOptions): ResolvedClientOptions {
  checkNames('options', options, NAMES);
  const { namespace = '', codec = 'json', headers = {} } = options;
  if (typeof namespace !== 'string') refuse('namespace', 'must be a string');
  if (codec !== 'json' && codec !== 'msgpack') refuse('codec', "must be 'json' or 'msgpack'");
  checkHeaders(headers);
  const timeoutMs = readWhole('timeoutMs', options.timeoutMs ?? 2_000, 1, TIME_MS_MAX);
  const webSocket = resolveWebSocket(options.webSocket ?? {});
  const nearEntriesMax = resolveNearCache(options.nearCache ?? { kind: 'off' });
  if (nearEntriesMax !== undefined && webSocket === undefined) {
    refuse('nearCache', "needs the WebSocket, which is { kind: 'off' }: copies would grow stale");
  }
  return {
    url: readUrl(options.url),
    namespace,
    codec,
    timeoutMs,
    totalTimeoutMs: readWhole(
      'totalTimeoutMs',
      options.totalTimeoutMs ?? Math.max(10_000, timeoutMs),
      timeoutMs,
      TIME_MS_MAX,
    ),
    retries: readWhole('retries', options.retries ?? 2, 0, 10),
    webSocket,
    nearEntriesMax,
    breaker: resolveBreaker(options.breaker ?? {}),
    fallback: readFallback(options.fallback ?? { kind: 'error' }),
    headers: { ...headers },
    fetch: readFetch(options.fetch),
  };
}

/**
 * Refuses what is no object of options, or has a name that is not known.
 *
 * @throws {ClientError} `ERR_CLIENT_INVALID_OPTIONS`
 */
export function checkNames(field: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    refuse(field, 'must be an object');
  }
  for (const name in options) {
    if (known.includes(name)) continue;
    const nearest = nearestOption(name, known);
    refuse(name, `is not known${nearest === undefined ? '' : `; did you mean ${nearest}?`}`);
  }
}

/** @throws {ClientError} `ERR_CLIENT_INVALID_OPTIONS` */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  refuse('signal', 'must be an AbortSignal');
}

/** @throws {ClientError} `ERR_CLIENT_INVALID_OPTIONS` */
export function refuse(field: string, problem: string): never {
  throw new ClientError('ERR_CLIENT_INVALID_OPTIONS', `${field}: ${problem}`);
}

function readUrl(text: unknown): string {
  if (typeof text !== 'string' || !URL.canParse(text)) refuse('url', 'must be an absolute URL');
  const { protocol, search, hash, href, username } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') refuse('url', 'must be http: or https:');
  if (search !== '' || hash !== '') refuse('url', 'must have neither a query nor a fragment');
  if (username !== '') refuse('url', 'must hold no credentials: put them into headers');
  return href.replace(/\/$/, '');
}

function readWhole(field: string, value: unknown, least: number, most: number): number {
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) {
    return Number(value);
  }
  refuse(field, `must be a whole number from ${least} to ${most}`);
}

/** Whether a group of options is on, after its names were checked. */
function isOn(field: string, group: { readonly kind?: string }, names: readonly string[]): boolean {
  checkNames(field, group, ['kind', ...names]);
  const { kind = 'on' } = group;
  if (kind !== 'on' && kind !== 'off') refuse(`${field}.kind`, "must be 'on' or 'off'");
  if (kind === 'off' && Object.keys(group).length > 1) {
    refuse(field, "takes nothing else where it is { kind: 'off' }");
  }
  return kind === 'on';
}

function resolveWebSocket(option: WebSocketOption): ResolvedWebSocket | undefined {
  const names = ['implementation', 'heartbeatMs', 'reconnectMsMax'];
  if (!isOn('webSocket', option, names) || option.kind === 'off') return undefined;
  const { implementation, heartbeatMs = 5_000, reconnectMsMax = 10_000 } = option;
  if (implementation !== undefined && typeof implementation !== 'function') {
    refuse('webSocket.implementation', 'must be a class such as WebSocket');
  }
  return {
    implementation,
    heartbeatMs: readWhole('webSocket.heartbeatMs', heartbeatMs, 10, TIME_MS_MAX),
    reconnectMsMax: readWhole('webSocket.reconnectMsMax', reconnectMsMax, 1, TIME_MS_MAX),
  };
}

function resolveNearCache(option: ClientNearCacheOption): number | undefined {
  if (!isOn('nearCache', option, ['maxEntries']) || option.kind === 'off') return undefined;
  return readWhole('nearCache.maxEntries', option.maxEntries ?? 10_000, 1, NEAR_ENTRIES_MAX);
}

function resolveBreaker(option: BreakerOption): ResolvedClientOptions['breaker'] {
  if (!isOn('breaker', option, ['failures', 'openMs']) || option.kind === 'off') return undefined;
  return {
    failures: readWhole('breaker.failures', option.failures ?? 5, 1, 1_000),
    openMs: readWhole('breaker.openMs', option.openMs ?? 2_000, 1, TIME_MS_MAX),
  };
}

function readFallback(option: FallbackOption): FallbackOption['kind'] {
  checkNames('fallback', option, ['kind']);
  const { kind } = option;
  if (kind !== 'error' && kind !== 'miss') refuse('fallback.kind', "must be 'error' or 'miss'");
  return kind;
}

function checkHeaders(headers: unknown): void {
  if (typeof headers !== 'object' || headers === null) refuse('headers', 'must be an object');
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') refuse(`headers.${name}`, 'must be a string');
  }
}

function readFetch(given: unknown): FetchLike {
  const found = given ?? globalThis.fetch;
  if (typeof found !== 'function') refuse('fetch', 'must be a function; this runtime has none');
  // Called as a plain function: that of a browser refuses any other receiver.
  return (url, request) => (found as FetchLike)(url, request);
}
