import { ClientError, createClient, type NamespaceClient } from '../../src/client/client.js';
import { CommandError } from './command-error.js';

/** Removing many entries takes its time. */
const TIMEOUT_MS = 600_000;

/**
 * Works with the entries of a namespace through the client of the service.
 *
 * @param namespace empty for the default one
 * @throws {CommandError} when the service cannot be asked, or refuses
 */
export async function withClient<T>(
  url: string,
  namespace: string,
  work: (client: NamespaceClient) => Promise<T>,
): Promise<T> {
  const client = createClient({
    url,
    retries: 0,
    timeoutMs: TIMEOUT_MS,
    totalTimeoutMs: TIMEOUT_MS,
    ...(namespace !== '' && { namespace }),
  });
  try {
    return await work(client);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const place = error.code === 'ERR_CLIENT_UNREACHABLE' ? `${new URL(url).origin}: ` : '';
    throw new CommandError(`${place}${error.message} (${error.code})`, 1, { cause: error });
  } finally {
    await client.close();
  }
}
