/** Pushes that wait behind answers; more become one resync. */
const PUSHES_WAITING_MAX = 1_000;

/** The place of a read, whose answer is not complete yet, among the pushes. */
export interface ReservedPlace {
  isSettled: boolean;
}

/**
 * Keeps pushes behind the answers to reads that were begun before them. An answer that takes time
 * holds what was read at the beginning: were a push to overtake it, the client would drop its copy,
 * and then keep the old value.
 */
export class Outbox {
  private readonly send: (push: Uint8Array) => void;
  private readonly resync: Uint8Array;
  private waiting: (ReservedPlace | Uint8Array)[] = [];
  private pushCount = 0;

  /**
   * @param send hands a push over
   * @param resync takes the place of pushes that are too many
   */
  constructor(send: (push: Uint8Array) => void, resync: Uint8Array) {
    this.send = send;
    this.resync = resync;
  }

  push(message: Uint8Array): void {
    if (this.waiting.length === 0) {
      this.send(message);
      return;
    }
    let last = message;
    if (this.pushCount === PUSHES_WAITING_MAX) {
      this.waiting = this.waiting.filter((item) => !(item instanceof Uint8Array));
      this.pushCount = 0;
      last = this.resync;
    }
    this.waiting.push(last);
    this.pushCount += 1;
  }

  /** A place behind everything that was pushed until now; settled when its answer was sent. */
  reserve(): ReservedPlace {
    const place: ReservedPlace = { isSettled: false };
    this.waiting.push(place);
    return place;
  }

  /** Sends what waited for this place alone. */
  settle(place: ReservedPlace): void {
    place.isSettled = true;
    for (;;) {
      const [first] = this.waiting;
      if (first === undefined || (!(first instanceof Uint8Array) && !first.isSettled)) return;
      this.waiting.shift();
      if (!(first instanceof Uint8Array)) continue;
      this.pushCount -= 1;
      this.send(first);
    }
  }
}
