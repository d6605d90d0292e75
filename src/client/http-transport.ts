import { onlyBySocket } from './client-error.js';
import { HttpExchange, type HttpSettings, readCount, readObject } from './http-exchange.js';
import { NamespacedDialect } from './namespaced-dialect.js';
import type {
  AnswerOf,
  FieldsOf,
  InvalidationTarget,
  OperationName,
  Transport,
} from './operations.js';
import { PlainDialect } from './plain-dialect.js';

type Handlers = {
  readonly [Name in OperationName]: (
    namespace: string,
    fields: FieldsOf<Name>,
    signal: AbortSignal,
  ) => Promise<AnswerOf<Name>>;
};

/**
 * Questions as HTTP requests. The namespaced dialect can do less than the plain one; what it cannot
 * do is refused here, and goes over the WebSocket alone.
 */
export class HttpTransport implements Transport {
  private readonly exchange: HttpExchange;
  private readonly handlers: Handlers;

  constructor(settings: HttpSettings) {
    const exchange = new HttpExchange(settings);
    this.exchange = exchange;
    const plain = new PlainDialect(exchange);
    const named = new NamespacedDialect(exchange);
    this.handlers = {
      get: (name, { key }, signal) =>
        name === '' ? plain.get(key, signal) : named.get(name, key, signal),
      getMany: (name, { keys }, signal) =>
        name === '' ? plain.getMany(keys, signal) : named.getMany(name, keys, signal),
      set: (name, fields, signal) =>
        name === '' ? plain.set(fields, signal) : named.set(name, fields, signal),
      setMany: (name, { entries }, signal) =>
        name === '' ? plain.setMany(entries, signal) : named.setMany(name, entries, signal),
      delete: (name, { key }, signal) =>
        name === '' ? plain.delete(key, signal) : named.delete(name, key, signal),
      deleteMany: (name, { keys }, signal) =>
        name === '' ? plain.deleteMany(keys, signal) : named.deleteMany(name, keys, signal),
      touch: (name, fields, signal) => {
        if (name !== '') throw onlyBySocket('touch in a named namespace');
        return plain.touch(fields, signal);
      },
      invalidate: (name, target, signal) => this.invalidate(name, target, signal),
    };
  }

  async send<Name extends OperationName>(
    name: Name,
    namespace: string,
    fields: FieldsOf<Name>,
    signal: AbortSignal,
  ): Promise<AnswerOf<Name>> {
    return this.handlers[name](namespace, fields, signal);
  }

  private async invalidate(
    namespace: string,
    target: InvalidationTarget,
    signal: AbortSignal,
  ): Promise<number> {
    if ('keys' in target) {
      return this.send('deleteMany', namespace, { keys: target.keys }, signal);
    }
    const query = namespace === '' ? '' : `&namespace=${encodeURIComponent(namespace)}`;
    const path = `/cache?${queryOf(target)}${query}`;
    const response = await this.exchange.ask({ method: 'DELETE', path, signal });
    const { deleted } = await readObject(response);
    return readCount(deleted, 'deleted');
  }
}

function queryOf(target: Exclude<InvalidationTarget, { keys: unknown }>): string {
  if ('prefix' in target) return `prefix=${encodeURIComponent(target.prefix)}`;
  if ('tag' in target) return `tag=${encodeURIComponent(target.tag)}`;
  const confirm = target.confirm === true ? '&confirm=true' : '';
  return `pattern=${encodeURIComponent(target.glob)}${confirm}`;
}
