/** Where a service listens that was started without settings. */
export const DEFAULT_URL = 'http://127.0.0.1:8080';

/** Options that every command has which talks to a running service. */
export interface ServiceOptions {
  readonly url: string;
  readonly json?: true;
}
