import type { ListenAddress } from './transport.js';

/** Why an address cannot be listened on, as one line for an operator that says what to set. */
export function describeListenFailure({ host, port }: ListenAddress, code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is already in use: set SERVER_HTTP_PORT to another one`;
    case 'EACCES':
      return (
        `port ${port} on ${host} may not be opened by this user: ` +
        'set SERVER_HTTP_PORT above 1023'
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is no address of this machine: set SERVER_HTTP_HOST to one that is`;
    default:
      return `cannot listen on port ${port} of ${host}${code === '' ? '' : `: ${code}`}`;
  }
}
