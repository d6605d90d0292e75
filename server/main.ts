#!/usr/bin/env node
import { CacheError, createEngine } from '../src/index.js';
import { ByteBudget } from './byte-budget.js';
import { ThreadFeed } from './changes/thread-feed.js';
import { createValueCodec } from './codecs/value-codec.js';
import { helpText, readCommandLine } from './command-line.js';
import {
  ConfigError,
  nameSettings,
  readConfig,
  type ServerConfig,
  toEngineOptions,
} from './config.js';
import { ListenError, type Transport } from './http/transport.js';
import { createUwsTransport, TransportUnavailableError } from './http/uws-transport.js';
import { listenForStop } from './lifecycle.js';
import { createRequestObserver } from './observability/request-observer.js';
import { ServiceBlock } from './observability/service-block.js';
import { ServiceLog } from './observability/service-log.js';
import { ThreadMetrics } from './observability/thread-metrics.js';
import { readPackageVersion } from './package-version.js';
import { type Log, startService } from './service.js';
import { DEFAULT_SERVICE_SETTINGS } from './service-settings.js';

const log: Log = {
  info: (line) => process.stdout.write(`${line}\n`),
  fault: (error) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`hotshard: ${text}\n`);
  },
};

async function main(): Promise<number> {
  const commandLine = readCommandLine(process.argv.slice(2));
  switch (commandLine.kind) {
    case 'help':
      process.stdout.write(helpText(readPackageVersion()));
      return 0;
    case 'version':
      log.info(readPackageVersion());
      return 0;
    case 'unknown':
      process.stderr.write(`hotshard: unknown argument ${commandLine.argument}; see --help\n`);
      return 1;
    case 'serve':
      return serve();
  }
}

async function serve(): Promise<number> {
  const stop = listenForStop(process);
  const config = readConfig(process.env);
  const transport = await createUwsTransport();
  const engine = await createEngine(toEngineOptions(config));
  try {
    const budget = new ByteBudget(config.bufferBytes);
    // What the engine would refuse is refused before its body is read.
    const valueBytesMax = Math.min(config.valueBytesMax, engine.valueBytesMax);
    const settings = { ...DEFAULT_SERVICE_SETTINGS, ...config, valueBytesMax };
    const metrics = new ThreadMetrics(ServiceBlock.create(1), 0);
    const serviceLog = new ServiceLog(settings.log);
    const service = await startService({
      store: engine,
      transport,
      codec: createValueCodec(),
      feed: new ThreadFeed(),
      metrics,
      observer: createRequestObserver({ metrics, log: serviceLog, tracing: undefined }),
      log: serviceLog,
      budget,
      settings,
    });
    log.info(`hotshard listening on ${service.url} (${describe(config, transport)})`);
    await stop.requested;
    const outcome = await service.stop(stop.hastened);
    if (outcome === 'timed-out') process.stderr.write('hotshard: requests in flight were cut\n');
    return outcome === 'timed-out' ? 1 : 0;
  } finally {
    await engine.close();
  }
}

function describe(config: ServerConfig, transport: Transport): string {
  const memory = `memory ${Math.floor(config.memoryBytes / 1_024 ** 2)} MiB`;
  return `${memory}, workers ${config.workers}, ${transport.name}, pid ${process.pid}`;
}

/** Failures that an operator can mend are one message; anything else comes with its stack. */
function reportFailure(error: unknown): void {
  const isExpected =
    error instanceof ConfigError ||
    error instanceof ListenError ||
    error instanceof TransportUnavailableError ||
    error instanceof CacheError;
  if (isExpected) process.stderr.write(`hotshard: ${nameSettings(error.message)}\n`);
  else log.fault(error);
}

try {
  // Ends even where something unforeseen would keep the process alive.
  process.exit(await main());
} catch (error) {
  reportFailure(error);
  process.exit(1);
}
