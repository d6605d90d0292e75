import { CacheError } from '../../src/index.js';
import { MessageTypesError } from '../codecs/message-types.js';
import { ConfigError } from '../config/config-error.js';
import { nameSettings } from '../config/engine-options.js';
import { readConfig } from '../config/read-config.js';
import { ListenError } from '../http/transport.js';
import { TransportUnavailableError } from '../http/uws-transport.js';
import { listenForStop } from '../lifecycle.js';
import { TracingUnavailableError } from '../observability/tracing.js';
import { runService } from '../serve.js';
import type { Log } from '../service.js';
import { ThreadStartError } from '../threads/http-worker.js';
import { CommandError } from './command-error.js';
import { sourcesOf } from './setting-flags.js';

const log: Log = {
  info: (line) => process.stdout.write(`${line}\n`),
  fault: (error) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`hotshard: ${text}\n`);
  },
};

/** `hotshard serve`: serves until a signal says to stop. */
export async function serve(options: Readonly<Record<string, unknown>>): Promise<number> {
  const stop = listenForStop(process);
  try {
    const { values } = readConfig(sourcesOf(options));
    return await runService(values, stop, log);
  } catch (error) {
    if (!isExpected(error)) throw error;
    throw new CommandError(nameSettings(error.message), 1, { cause: error });
  }
}

/** Failures that an operator can mend. */
function isExpected(error: unknown): error is Error {
  return (
    error instanceof ConfigError ||
    error instanceof ListenError ||
    error instanceof TransportUnavailableError ||
    error instanceof TracingUnavailableError ||
    error instanceof ThreadStartError ||
    error instanceof MessageTypesError ||
    error instanceof CacheError
  );
}
