import type { ByteBudget } from '../byte-budget.js';
import { RequestError } from '../error-table.js';
import { JsonValue } from '../json/json-value.js';
import { checkJsonInTurns } from '../json/scan-json.js';
import { readBody } from './body-reader.js';
import { readRequestHead, requireLength } from './request-head.js';
import type { Exchange } from './transport.js';

const JSON_TYPE = 'application/json';
const CHARSET = 'charset';
const IDENTITY = 'identity';

export interface JsonBodyLimits {
  /** The largest body that is taken. */
  readonly bodyBytesMax: number;
  /** Charged as long as the body is in use. */
  readonly budget: ByteBudget;
}

/**
 * Reads the body of a request as one JSON document and gives it to `use`, until whose end the
 * document counts in the budget. Must be called before the handler returns.
 *
 * A body must say that it is `application/json`: a form of a foreign web page cannot, so that no
 * page can write without the browser asking first.
 *
 * @throws {RequestError} `ERR_HTTP_UNSUPPORTED_MEDIA_TYPE`, `ERR_HTTP_MALFORMED_BODY` with the
 * place of the fault, and what `readRequestHead`, `requireLength` and `readBody` throw
 */
export async function withJsonBody<T>(
  exchange: Exchange,
  { bodyBytesMax, budget }: JsonBodyLimits,
  use: (document: JsonValue) => Promise<T>,
): Promise<T> {
  const head = readRequestHead(exchange);
  requireLength(head);
  const { contentBytes, contentType, contentEncoding } = head;
  if ((contentEncoding ?? IDENTITY).toLowerCase() !== IDENTITY) {
    throw new RequestError(
      'ERR_HTTP_UNSUPPORTED_CODING',
      'a document that holds keys or values takes no Content-Encoding',
    );
  }
  if (!isJsonType(contentType ?? '')) {
    throw new RequestError(
      'ERR_HTTP_UNSUPPORTED_MEDIA_TYPE',
      `Content-Type must be ${JSON_TYPE}, in UTF-8`,
    );
  }
  const body = await readBody(exchange, { contentBytes, valueBytesMax: bodyBytesMax, budget });
  try {
    const { problem, longEnds } = await checkJsonInTurns(body);
    if (problem !== undefined) throw new RequestError('ERR_HTTP_MALFORMED_BODY', problem.message);
    return await use(JsonValue.of(body, longEnds));
  } finally {
    budget.give(body.length);
  }
}

/** Whether the type is JSON in UTF-8, which is what it is where nothing is said. */
function isJsonType(contentType: string): boolean {
  const [type = '', ...parameters] = contentType.split(';');
  if (type.trim().toLowerCase() !== JSON_TYPE) return false;
  return parameters.every((parameter) => {
    const [name = '', value = ''] = parameter.split('=');
    const isCharset = name.trim().toLowerCase() === CHARSET;
    return !isCharset || ['utf-8', '"utf-8"'].includes(value.trim().toLowerCase());
  });
}
