import { EventEmitter } from 'node:events';
import { type EngineEvents, publishEvent } from './engine-events.js';
import { invalidOptions } from './errors.js';
import { nearestName } from './nearest-name.js';

/** What an event is given to. */
export type EngineListener<Name extends keyof EngineEvents> = (event: EngineEvents[Name]) => void;

const NAMES: readonly (keyof EngineEvents)[] = ['shard-recovered', 'worker-lost', 'worker-hung'];

type Guard = (...events: unknown[]) => void;

/**
 * Tells listeners and the diagnostics channels what happened to an engine. What a listener throws
 * does not come back to whoever tells: it ends as an uncaught exception, like the error of a
 * subscriber of a diagnostics channel.
 */
export class EngineEmitter {
  readonly #emitter = new EventEmitter();
  /** The function that is registered in the place of a listener. */
  readonly #guards = new WeakMap<object, Guard>();

  on<Name extends keyof EngineEvents>(name: Name, listener: EngineListener<Name>): void {
    this.#emitter.on(checkName(name), this.#guardOf(listener));
  }

  once<Name extends keyof EngineEvents>(name: Name, listener: EngineListener<Name>): void {
    this.#emitter.once(checkName(name), this.#guardOf(listener));
  }

  off<Name extends keyof EngineEvents>(name: Name, listener: EngineListener<Name>): void {
    this.#emitter.off(checkName(name), this.#guardOf(listener));
  }

  emit<Name extends keyof EngineEvents>(name: Name, event: EngineEvents[Name]): void {
    publishEvent(name, event);
    this.#emitter.emit(name, event);
  }

  #guardOf<Name extends keyof EngineEvents>(listener: EngineListener<Name>): Guard {
    if (typeof listener !== 'function') throw invalidOptions('listener', ['must be a function']);
    const known = this.#guards.get(listener);
    if (known !== undefined) return known;
    const guard: Guard = (event) => {
      try {
        listener(event as EngineEvents[Name]);
      } catch (error) {
        process.nextTick(() => {
          throw error;
        });
      }
    };
    this.#guards.set(listener, guard);
    return guard;
  }
}

function checkName<Name extends keyof EngineEvents>(name: Name): Name {
  if (NAMES.includes(name)) return name;
  const nearest = typeof name === 'string' ? nearestName(name, NAMES) : undefined;
  const hint =
    nearest === undefined ? `known are ${NAMES.join(', ')}` : `did you mean '${nearest}'?`;
  throw invalidOptions('event', [`'${String(name)}' is unknown; ${hint}`]);
}
