import { RequestError } from '../error-table.js';

/** The message is no request: it counts towards those after which a socket is closed. */
export function invalidFrame(problem: string): RequestError {
  return new RequestError('ERR_SOCKET_INVALID_FRAME', problem);
}

/** A field of a request has a value that it does not take. */
export function invalidField(problem: string): RequestError {
  return new RequestError('ERR_HTTP_INVALID_FIELD', problem);
}
