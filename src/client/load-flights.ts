import { orAborted } from './time-limit.js';

/** What a loader is given. */
export interface LoadContext {
  readonly key: string;
  /** Aborted when nobody waits for the value any more. */
  readonly signal: AbortSignal;
}

/** One load under way. */
export interface Flight extends LoadContext {
  /** Whether the key was written since: what is loaded may be older, and must not be stored. */
  readonly isDetached: boolean;
}

class LoadFlight<Result> implements Flight {
  readonly key: string;
  readonly result: Promise<Result>;
  isDetached = false;
  waiterCount = 0;
  private readonly controller = new AbortController();

  constructor(key: string, load: (flight: Flight) => Promise<Result>) {
    this.key = key;
    this.result = load(this);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  abort(): void {
    this.controller.abort();
  }
}

/** Loads under way, one for each key: whoever asks meanwhile waits for the same one. */
export class LoadFlights<Result> {
  private readonly flights = new Map<string, LoadFlight<Result>>();

  async join(
    key: string,
    signal: AbortSignal | undefined,
    load: (flight: Flight) => Promise<Result>,
  ): Promise<Result> {
    const flight = this.flights.get(key) ?? new LoadFlight(key, load);
    this.flights.set(key, flight);
    flight.waiterCount++;
    try {
      return await orAborted(flight.result, signal);
    } finally {
      flight.waiterCount--;
      if (flight.waiterCount === 0) {
        flight.abort();
        if (this.flights.get(key) === flight) this.flights.delete(key);
      }
    }
  }

  /** The key was written: who asks from now on must not get what was loaded before. */
  detach(key: string): void {
    const flight = this.flights.get(key);
    if (flight === undefined) return;
    flight.isDetached = true;
    this.flights.delete(key);
  }

  detachAll(): void {
    for (const key of [...this.flights.keys()]) this.detach(key);
  }
}
