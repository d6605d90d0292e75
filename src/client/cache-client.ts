import { Breaker } from './breaker.js';
import { ChangeFollower } from './change-follower.js';
import { type ResolvedClientOptions, refuse } from './client-options.js';
import { ConnectedTransport } from './connected-transport.js';
import { EventList } from './event-list.js';
import { FRAME_CODECS } from './frame-codec.js';
import { HttpTransport } from './http-transport.js';
import { type ClientParts, NamespaceClient } from './namespace-client.js';
import { NearCopies } from './near-copies.js';
import { RequestRunner } from './request-runner.js';
import { SocketLink } from './socket-link.js';
import { SocketTransport } from './socket-transport.js';
import type { Invalidation } from './subscriptions.js';

/** What a client tells of itself, by the name of the event. */
export interface ClientEvents {
  /** The WebSocket is open. */
  connected: Record<string, never>;
  disconnected: { readonly reason: string };
  /** Changes may have been missed: all copies were dropped. */
  resync: { readonly reason: 'slow' | 'gap' | 'reconnected' };
  /** Too many failures in a row: requests are refused at once for a while. */
  breakerOpened: Record<string, never>;
  breakerClosed: Record<string, never>;
  /** Something that no caller waits for went wrong, such as storing what a loader gave. */
  problem: { readonly error: unknown };
}

const NOTHING: Record<string, never> = {};

/** A client of the service, and the cache of the namespace that it was created for. */
export class CacheClient extends NamespaceClient implements AsyncDisposable {
  private readonly shared: SharedParts;
  private closing: Promise<void> | undefined;

  constructor(options: ResolvedClientOptions) {
    const shared = new SharedParts(options);
    super(shared, options.namespace);
    this.shared = shared;
    shared.namespaces.set(options.namespace, this);
  }

  /** The cache of another namespace, over the same connection; empty for the unnamed one. */
  namespace(name: string): NamespaceClient {
    if (typeof name !== 'string') refuse('name', 'must be a string');
    return this.shared.open(name);
  }

  /** Calls the listener at every event of that name, until the function that it gives is called. */
  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents[Name]) => void,
  ): () => void {
    return this.shared.events.on(name, listener);
  }

  /**
   * Lets requests that were sent end, within their limit of time, and closes the connection; no
   * timer and no socket is left. Later calls reject with `ERR_CLIENT_CLOSED`.
   */
  close(): Promise<void> {
    this.closing ??= this.shared.close();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Everything behind a client, wired together. */
class SharedParts implements ClientParts {
  readonly options: ResolvedClientOptions;
  readonly runner: RequestRunner;
  readonly follower: ChangeFollower | undefined;
  readonly near: NearCopies | undefined;
  readonly events = new EventList<ClientEvents>();
  readonly namespaces = new Map<string, NamespaceClient>();
  private readonly watchers = new Map<string, (invalidation: Invalidation) => void>();
  private readonly link: SocketLink | undefined;

  constructor(options: ResolvedClientOptions) {
    this.options = options;
    const { nearEntriesMax } = options;
    this.near = nearEntriesMax === undefined ? undefined : new NearCopies(nearEntriesMax);
    const breaker =
      options.breaker &&
      new Breaker(options.breaker, (isOpen) => {
        this.events.emit(isOpen ? 'breakerOpened' : 'breakerClosed', NOTHING);
      });
    this.link = this.createLink(breaker);
    const socket = this.link && new SocketTransport(this.link);
    this.follower = this.createFollower(socket);
    const transport = new ConnectedTransport(new HttpTransport(options), this.link, socket);
    this.runner = new RequestRunner(options, breaker, (question, signal) =>
      transport.ask(question, signal),
    );
  }

  readonly onProblem = (error: unknown): void => this.events.emit('problem', { error });

  watch(name: string, watcher: (invalidation: Invalidation) => void): void {
    this.watchers.set(name, watcher);
  }

  open(name: string): NamespaceClient {
    const present = this.namespaces.get(name);
    if (present !== undefined) return present;
    const created = new NamespaceClient(this, name);
    this.namespaces.set(name, created);
    return created;
  }

  async close(): Promise<void> {
    await this.runner.close();
    const closed = this.link?.close();
    this.follower?.close();
    await closed;
  }

  private createLink(breaker: Breaker | undefined): SocketLink | undefined {
    const { webSocket, url, headers, codec, timeoutMs } = this.options;
    if (webSocket === undefined) return undefined;
    const settings = { ...webSocket, url, headers, codec: FRAME_CODECS[codec], timeoutMs };
    return new SocketLink(settings, {
      onOpen: () => {
        // A service that opens a connection is there again.
        breaker?.succeed();
        this.follower?.onOpen();
      },
      onPush: (frame) => this.follower?.onPush(frame),
      onLost: (reason) => this.follower?.onLost(reason),
    });
  }

  private createFollower(socket: SocketTransport | undefined): ChangeFollower | undefined {
    if (this.link === undefined || socket === undefined) return undefined;
    return new ChangeFollower(this.link, socket, this.near, this.options.timeoutMs, {
      onConnected: () => this.events.emit('connected', NOTHING),
      onDisconnected: (reason) => {
        // Of what changes from now on nothing is told: loads under way may bring what was before.
        this.tellWatchers({ kind: 'resync', reason: 'gap' });
        this.events.emit('disconnected', { reason });
      },
      onResync: (reason) => this.events.emit('resync', { reason }),
      onInvalidation: (invalidation) => this.tellWatchers(invalidation),
      onProblem: this.onProblem,
    });
  }

  private tellWatchers(invalidation: Invalidation): void {
    for (const [name, watcher] of this.watchers) {
      if (invalidation.kind === 'resync' || invalidation.namespace === name) watcher(invalidation);
    }
  }
}
