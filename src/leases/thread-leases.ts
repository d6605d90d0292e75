import type { ThreadSession } from '../thread-session.js';
import { LeaseWaits } from './lease-waits.js';

/** A wait or a load of this thread that ends with the engine. */
export interface Closable {
  close(): void;
}

/** What all key spaces of a thread share of leases: waits, and what is under way. */
export class ThreadLeases {
  readonly waits: LeaseWaits;
  readonly #underWay = new Set<Closable>();

  constructor(session: ThreadSession) {
    this.waits = new LeaseWaits(session);
  }

  begin(what: Closable): void {
    this.#underWay.add(what);
  }

  end(what: Closable): void {
    this.#underWay.delete(what);
  }

  /** The engine is being closed in this thread: whoever waits is told. */
  close(): void {
    for (const what of this.#underWay) what.close();
    this.#underWay.clear();
  }
}
