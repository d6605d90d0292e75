import { type Agent, request as httpRequest } from 'node:http';

/** The status of a request, or the code of the error that it ended in. */
export function roundTrip(
  agent: Agent,
  port: number,
  method: string,
  path: string,
): Promise<number | string> {
  return new Promise((resolve) => {
    const request = httpRequest({ agent, host: '127.0.0.1', port, method, path }, (response) => {
      response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    request.end(method === 'PUT' ? 'value' : undefined);
  });
}
