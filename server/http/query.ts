import { nearestName } from '../config/nearest-name.js';
import { RequestError } from '../error-table.js';

const NAME_SHOWN_MAX = 40;

/**
 * The parameters of a query by name, decoded once: `+` and `%20` are a space, `%2B` is a plus.
 * Every name must be known and stand there once, since a misspelt filter would select everything.
 *
 * @throws {RequestError} `ERR_HTTP_INVALID_FIELD`
 */
export function readQuery(
  query: string,
  knownNames: readonly string[],
): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1));
    if (name === undefined || !knownNames.includes(name)) throw unknownName(name, knownNames);
    if (value === undefined) {
      throw refusal(`${name}: has a percent sign that begins no escape, or is not UTF-8`);
    }
    if (parameters.has(name)) throw refusal(`${name}: must stand in the query once`);
    parameters.set(name, value);
  }
  return parameters;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function unknownName(name: string | undefined, knownNames: readonly string[]): RequestError {
  const isShown =
    name !== undefined && name.length <= NAME_SHOWN_MAX && /^[a-zA-Z0-9_-]+$/.test(name);
  const nearest = isShown ? nearestName(name, knownNames) : undefined;
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  const what = isShown ? `${name}, which is` : 'a name that is';
  return refusal(`the query has ${what} not known here${hint} (known: ${knownNames.join(', ')})`);
}

function refusal(message: string): RequestError {
  return new RequestError('ERR_HTTP_INVALID_FIELD', message);
}
