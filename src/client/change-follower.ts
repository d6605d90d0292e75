import { ClientError, clientClosed } from './client-error.js';
import type { Frame } from './frame-codec.js';
import type { NearCopies } from './near-copies.js';
import type { Selection } from './operations.js';
import type { SocketTransport } from './socket-transport.js';
import { type Invalidation, isEmpty, readPush, Subscriptions } from './subscriptions.js';
import { orAborted, withinTime } from './time-limit.js';

/** What the follower uses of the link. */
export interface FollowedLink {
  readonly isOpen: boolean;
  settled(): Promise<void>;
  restart(reason: string): void;
}

/** Hears of what becomes of the connection. */
export interface FollowerListener {
  onConnected(): void;
  onDisconnected(reason: string): void;
  onResync(reason: 'slow' | 'gap' | 'reconnected'): void;
  /** Before anybody who subscribed is told. */
  onInvalidation(invalidation: Invalidation): void;
  /** Something that no caller waits for went wrong. */
  onProblem(error: unknown): void;
}

/**
 * Keeps the subscriptions of the client effective over all its connections, and the copies near it
 * true: they are kept and served only while the service tells of every change of their namespace.
 */
export class ChangeFollower {
  private readonly link: FollowedLink;
  private readonly transport: SocketTransport;
  private readonly near: NearCopies | undefined;
  private readonly listener: FollowerListener;
  private readonly timeoutMs: number;
  private readonly subscriptions = new Subscriptions();
  private readonly nearNamespaces = new Set<string>();
  private readonly closing = new AbortController();
  private readonly openWaiters = new Set<() => void>();
  private connectionCount = 0;

  constructor(
    link: FollowedLink,
    transport: SocketTransport,
    near: NearCopies | undefined,
    timeoutMs: number,
    listener: FollowerListener,
  ) {
    this.link = link;
    this.transport = transport;
    this.near = near;
    this.timeoutMs = timeoutMs;
    this.listener = listener;
  }

  /** The namespace is read: its changes are followed from soon on, where copies are wanted. */
  use(namespace: string): void {
    if (this.near === undefined || this.nearNamespaces.has(namespace)) return;
    this.nearNamespaces.add(namespace);
    if (this.link.isOpen) this.followNear(namespace, this.connectionCount);
  }

  /** Resolves when every later change that concerns the selection will be told. */
  async subscribe(
    namespace: string,
    selection: Selection,
    limitMs: number,
    listener: (invalidation: Invalidation) => void,
  ): Promise<() => Promise<void>> {
    const subscriber = { namespace, selection, listener };
    try {
      await withinTime(limitMs, this.closing.signal, async (signal) => {
        await this.whenOpen(signal);
        // Before the answer: a change may be told right behind it.
        this.subscriptions.add(subscriber);
        await this.transport.follow('subscribe', namespace, selection, signal);
      });
    } catch (error) {
      await this.giveBack(namespace, this.subscriptions.remove(subscriber));
      throw this.closing.signal.aborted ? clientClosed() : error;
    }
    return () => this.giveBack(namespace, this.subscriptions.remove(subscriber));
  }

  /** Ends what waits; to be called once the link is closed. */
  close(): void {
    this.closing.abort();
  }

  onOpen(): void {
    this.connectionCount++;
    const connection = this.connectionCount;
    for (const wake of this.openWaiters) wake();
    for (const namespace of this.nearNamespaces) this.followNear(namespace, connection);
    this.subscribeAgain(connection);
    this.listener.onConnected();
  }

  onLost(reason: string): void {
    this.near?.unfollowAll();
    this.listener.onDisconnected(reason);
  }

  onPush(frame: Frame): void {
    const invalidation = readPush(frame);
    if (invalidation === undefined) {
      // A kind that a later version of the service may have: all that is known is that it happened.
      this.near?.dropAll();
      return;
    }
    this.dropCopies(invalidation);
    this.listener.onInvalidation(invalidation);
    this.subscriptions.tell(invalidation);
    if (invalidation.kind === 'resync') this.listener.onResync(invalidation.reason);
  }

  private dropCopies(invalidation: Invalidation): void {
    switch (invalidation.kind) {
      case 'keys':
        for (const key of invalidation.keys) this.near?.dropKey(invalidation.namespace, key);
        return;
      // Which copies a glob or a tag means would have to be found by looking at each: they are
      // fetched again instead.
      case 'prefix':
      case 'glob':
      case 'tag':
        this.near?.dropNamespace(invalidation.namespace);
        return;
      case 'resync':
        this.near?.dropAll();
    }
  }

  private followNear(namespace: string, connection: number): void {
    this.ask('subscribe', namespace, { all: true }).then(
      () => {
        if (this.isCurrent(connection)) this.near?.follow(namespace);
      },
      (error) => this.failed(error, connection),
    );
  }

  private subscribeAgain(connection: number): void {
    const asked = [...this.subscriptions.namespaces].map((namespace) =>
      this.ask('subscribe', namespace, this.subscriptions.wanted(namespace)),
    );
    Promise.all(asked).then(
      () => {
        if (connection === 1 || !this.isCurrent(connection)) return;
        // Only now: what a listener reads again from here on is followed already.
        this.subscriptions.tell({ kind: 'resync', reason: 'reconnected' });
        this.listener.onResync('reconnected');
      },
      (error) => this.failed(error, connection),
    );
  }

  private ask(
    action: 'subscribe' | 'unsubscribe',
    namespace: string,
    selection: Selection,
  ): Promise<void> {
    return withinTime(this.timeoutMs, this.closing.signal, (signal) =>
      this.transport.follow(action, namespace, selection, signal),
    );
  }

  private async whenOpen(signal: AbortSignal): Promise<void> {
    await orAborted(this.link.settled(), signal);
    if (this.link.isOpen) return;
    let wake: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.openWaiters.add(wake);
    try {
      await orAborted(opened, signal);
    } finally {
      this.openWaiters.delete(wake);
    }
  }

  private async giveBack(namespace: string, selection: Selection): Promise<void> {
    const isStillWanted = this.nearNamespaces.has(namespace) && selection.all === true;
    const { all, ...rest } = selection;
    const unwanted = isStillWanted || all === undefined ? rest : selection;
    // A connection that is gone has forgotten its subscriptions.
    if (isEmpty(unwanted) || !this.link.isOpen) return;
    await this.ask('unsubscribe', namespace, unwanted).catch((error) => {
      if (this.link.isOpen) this.listener.onProblem(error);
    });
  }

  private failed(error: unknown, connection: number): void {
    if (!this.isCurrent(connection)) return;
    const isRefusal = error instanceof ClientError && !error.retryable;
    // Without an answer nobody knows what the service tells of; a new connection starts afresh.
    if (!isRefusal) this.link.restart('a subscription was not answered');
    this.listener.onProblem(error);
  }

  private isCurrent(connection: number): boolean {
    return this.link.isOpen && this.connectionCount === connection;
  }
}
