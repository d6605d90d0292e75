/** Listeners by event; what they throw surfaces as an uncaught error, as with an `EventTarget`. */
export class EventList<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<(event: never) => void>>();

  /** Calls the listener at every event of the name, until the function that it gives is called. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const present = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, present);
    present.add(listener);
    return () => {
      present.delete(listener);
    };
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    const present = this.listeners.get(name) as Set<(event: Events[Name]) => void> | undefined;
    for (const listener of [...(present ?? [])]) callListener(listener, event);
  }
}

/** A listener of the caller must not disturb the client, nor must its error go unseen. */
export function callListener<Event>(listener: (event: Event) => void, event: Event): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
