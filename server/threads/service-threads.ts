import { availableParallelism } from 'node:os';
import type { Engine } from '../../src/index.js';
import { createCursorKey } from '../cache/key-cursors.js';
import { createFeedLinks, type FeedLink, retireFeedLink } from '../changes/feed-link.js';
import { type ListenAddress, ListenError, type Transport } from '../http/transport.js';
import type { DrainOutcome } from '../lifecycle.js';
import { logEngineEvents } from '../observability/engine-events-log.js';
import { ServiceBlock } from '../observability/service-block.js';
import { makeSalt, ServiceLog } from '../observability/service-log.js';
import type { Service } from '../service.js';
import type { ServiceSettings } from '../service-settings.js';
import { HttpWorkers } from './http-workers.js';
import { startServing } from './serving-thread.js';
import { shareBufferBytes, shareSettings, type ThreadSetup } from './thread-setup.js';

/** What the threads of a service are made of. */
export interface ThreadsPlan {
  readonly threadCount: number;
  /** Of the process; each thread gets its share. */
  readonly settings: ServiceSettings;
  readonly bufferBytes: number;
  /** A file of Protocol Buffers messages; empty for none. */
  readonly messageDescriptorsPath: string;
  readonly transport: Transport;
  readonly transportReason: string;
  /** The module of the threads beside the first one; tests make one that fails. */
  readonly workerModule?: URL;
}

/** A service of one thread or several, as one. */
export interface ThreadedService extends Pick<Service, 'url' | 'port' | 'stop'> {
  readonly block: ServiceBlock;
}

/**
 * How many threads serve.
 *
 * @param wanted `'auto'` for one a core where threads can share the port, else one
 * @throws {ListenError} when more than one are wanted and the port cannot be shared
 */
export function countThreads(wanted: number | 'auto', { portSharing }: Transport): number {
  if (wanted === 'auto') return portSharing.works ? availableParallelism() : 1;
  if (wanted === 1 || portSharing.works) return wanted;
  throw new ListenError(`HTTP_THREADS: ${wanted} threads cannot share a port: ${portSharing.why}`);
}

/**
 * Serves in the calling thread, and in others beside it, which all listen on one port.
 *
 * @throws {ListenError | CacheError | MessageTypesError | ThreadStartError} when one of them cannot
 *   start
 */
export async function startThreads(engine: Engine, plan: ThreadsPlan): Promise<ThreadedService> {
  const { threadCount, transport } = plan;
  const block = ServiceBlock.create(threadCount);
  const cursorKey = plan.settings.cursorKey ?? createCursorKey();
  const settings = { ...shareSettings(plan.settings, threadCount), cursorKey };
  // Only an exclusive listener is told that a foreign process has the port.
  const port = threadCount === 1 ? settings.port : await findPort(transport, settings);
  const logSalt = makeSalt();
  const feedLinks = threadCount === 1 ? [] : createFeedLinks(threadCount);
  const setupOf = (thread: number): ThreadSetup => ({
    thread,
    block: block.buffer,
    settings: { ...settings, port },
    bufferBytes: shareBufferBytes(plan.bufferBytes, settings, threadCount),
    transportReason: plan.transportReason,
    messageDescriptorsPath: plan.messageDescriptorsPath,
    ...feedLinkOf(feedLinks[thread]),
    logSalt,
  });
  const log = new ServiceLog(settings.log);
  const first = await startServing(setupOf(0), engine, transport);
  const handle = engine.handle();
  const setups = Array.from({ length: threadCount - 1 }, (_, index) => {
    return { ...setupOf(index + 1), handle, transportKind: transport.kind };
  });
  let workers: HttpWorkers;
  try {
    workers = await HttpWorkers.start({
      setups,
      log,
      onLost: ({ feedLink }) => {
        if (feedLink !== undefined) retireFeedLink(feedLink);
      },
      ...(plan.workerModule !== undefined && { module: plan.workerModule }),
    });
  } catch (error) {
    await first.stop(AbortSignal.abort());
    throw error;
  }
  logEngineEvents(engine, log);
  return { block, url: first.url, port: first.port, stop: createStop(first, workers, settings) };
}

function feedLinkOf(feedLink: FeedLink | undefined): Pick<ThreadSetup, 'feedLink'> {
  return feedLink === undefined ? {} : { feedLink };
}

function createStop(
  first: Service,
  workers: HttpWorkers,
  { drainTimeoutMs }: ServiceSettings,
): Service['stop'] {
  let stopping: Promise<DrainOutcome> | undefined;
  return (hasten) => {
    stopping ??= Promise.all([first.stop(hasten), workers.stop(drainTimeoutMs, hasten)]).then(
      ([outcome, others]) => worstOf([outcome, ...others]),
    );
    return stopping;
  };
}

function worstOf(outcomes: readonly DrainOutcome[]): DrainOutcome {
  if (outcomes.includes('timed-out')) return 'timed-out';
  return outcomes.includes('hastened') ? 'hastened' : 'drained';
}

/** The port that all will share: free at this moment, for nobody but this process to take. */
async function findPort(transport: Transport, settings: ServiceSettings): Promise<number> {
  const address: ListenAddress = { host: settings.host, port: settings.port };
  const handlers = {
    exchange: () => undefined,
    upgrade: () => ({ kind: 'refuse', status: 503, headers: [], body: new Uint8Array() }) as const,
  };
  const listener = await transport.listen(address, handlers, settings.transport);
  const { port } = listener;
  listener.close();
  return port;
}
