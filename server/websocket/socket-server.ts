import type { Change, ChangeFeed } from '../changes/change-feed.js';
import type { DialectParts } from '../dialects/dialect-parts.js';
import { errorReply, isInternal, RequestError } from '../error-table.js';
import type { UpgradeAnswer, UpgradeHandler, UpgradeRequest } from '../http/transport.js';
import { PushMessages } from './push-messages.js';
import type { Topics } from './socket-request.js';
import { type SharedParts, SocketSession } from './socket-session.js';
import { Subscriptions } from './subscriptions.js';
import { checkUpgrade } from './upgrade-policy.js';

/** The WebSockets of one thread. */
export interface SocketServer {
  readonly upgrade: UpgradeHandler;
  /** Requests of all sockets that are not answered yet. */
  readonly openRequests: number;
  /** Lets requests end and asks every client to go elsewhere; resolves when all are gone. */
  drain(): Promise<void>;
}

/** @param report tells the operator of a fault of the service */
export function createSocketServer(
  parts: DialectParts,
  feed: ChangeFeed,
  report: (error: unknown) => void,
): SocketServer {
  return new Sockets(parts, feed, report);
}

class Sockets implements SocketServer, SharedParts {
  readonly parts: DialectParts;
  readonly report: (error: unknown) => void;
  private readonly feed: ChangeFeed;
  private readonly sessions = new Set<SocketSession>();
  private readonly subscriptions = new Subscriptions<SocketSession>();
  private stopListening: (() => void) | undefined;
  private drained: (() => void) | undefined;
  private draining: Promise<void> | undefined;

  constructor(parts: DialectParts, feed: ChangeFeed, report: (error: unknown) => void) {
    this.parts = parts;
    this.feed = feed;
    this.report = report;
  }

  get isDraining(): boolean {
    return this.draining !== undefined;
  }

  get openRequests(): number {
    let openRequests = 0;
    for (const session of this.sessions) openRequests += session.openRequests;
    return openRequests;
  }

  readonly upgrade = (request: UpgradeRequest): UpgradeAnswer => {
    try {
      return this.accept(request);
    } catch (error) {
      if (isInternal(error)) this.report(error);
      const { status, headers, body } = errorReply(error);
      return { kind: 'refuse', status, headers, body };
    }
  };

  drain(): Promise<void> {
    this.draining ??= new Promise((resolve) => {
      this.drained = resolve;
    });
    for (const session of [...this.sessions]) session.drain();
    this.noteDrained();
    return this.draining;
  }

  private accept(request: UpgradeRequest): UpgradeAnswer {
    const { settings } = this.parts;
    const { socketsMax } = settings.sockets;
    const { format, protocol } = checkUpgrade(request, settings.allowedOrigins);
    if (this.isDraining) throw new RequestError('ERR_CACHE_CLOSED', 'the service is stopping');
    if (this.sessions.size >= socketsMax) {
      const problem = `there are ${socketsMax} WebSockets already`;
      throw new RequestError('ERR_SOCKET_TOO_MANY_SOCKETS', problem);
    }
    return {
      kind: 'accept',
      protocol,
      open: (socket) => {
        const session: SocketSession = new SocketSession(
          socket,
          format,
          this,
          {
            subscribe: (namespace, topics) => this.subscribe(session, namespace, topics),
            unsubscribe: (namespace, topics) => this.unsubscribe(session, namespace, topics),
          },
          () => this.forget(session),
        );
        this.sessions.add(session);
        if (this.isDraining) session.drain();
        return session;
      },
    };
  }

  private subscribe(session: SocketSession, namespace: string, topics: Topics): number {
    const { subscriptions } = this;
    const { subscriptionsMax } = this.parts.settings.sockets;
    const count = subscriptions.count(session) + subscriptions.countNew(session, namespace, topics);
    if (count > subscriptionsMax) {
      throw new RequestError(
        'ERR_SOCKET_TOO_MANY_SUBSCRIPTIONS',
        `a socket may have ${subscriptionsMax} subscriptions; this would make it ${count}`,
      );
    }
    subscriptions.add(session, namespace, topics);
    // Before the answer: whoever changes something after it finds that somebody listens.
    this.stopListening ??= this.feed.listen((change) => this.tell(change));
    return count;
  }

  private unsubscribe(session: SocketSession, namespace: string, topics: Topics): number {
    this.subscriptions.remove(session, namespace, topics);
    this.noteUnsubscribed();
    return this.subscriptions.count(session);
  }

  private forget(session: SocketSession): void {
    this.sessions.delete(session);
    this.subscriptions.removeAll(session);
    this.noteUnsubscribed();
    this.noteDrained();
  }

  /** Changes cost nothing where nobody is to be told. */
  private noteUnsubscribed(): void {
    if (!this.subscriptions.isEmpty) return;
    this.stopListening?.();
    this.stopListening = undefined;
  }

  private noteDrained(): void {
    if (this.sessions.size === 0) this.drained?.();
  }

  private tell(change: Change): void {
    if (change.kind === 'gap') {
      for (const session of this.subscriptions.subscribers) session.resync('gap');
      return;
    }
    const messages = new PushMessages(change);
    this.subscriptions.match(change, (session, keys) => {
      session.push(messages.encode(session.format, keys));
    });
  }
}
