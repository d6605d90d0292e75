import { onTestFinished } from 'vitest';
import { type CacheClient, type ClientOptions, createClient } from '../../../src/client/client.js';

/** A client that is closed after the test. */
export function openClient(options: ClientOptions): CacheClient {
  const client = createClient(options);
  onTestFinished(() => client.close());
  return client;
}

/** The code with which a promise rejects; `undefined` when it does not. */
export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return (error as { readonly code?: string }).code;
  }
}
