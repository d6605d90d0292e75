/** The module of the threads that serve beside the first one: `workerData` is a `WorkerSetup`. */
import { parentPort, workerData } from 'node:worker_threads';
import { attachEngine, CacheError, type Engine } from '../../src/index.js';
import { chooseTransport } from '../http/choose-transport.js';
import { ListenError } from '../http/transport.js';
import type { Service } from '../service.js';
import { startServing } from './serving-thread.js';
import type { ThreadReport, ThreadRequest } from './thread-messages.js';
import type { WorkerSetup } from './thread-setup.js';

if (parentPort === null) throw new Error('this module is for a worker thread');
const port = parentPort;
const setup = workerData as WorkerSetup;
const hasten = new AbortController();
let engine: Engine | undefined;
let service: Service | undefined;
let isEnding = false;

// uWebSockets.js must have closed its handles before the thread ends: the process would be aborted.
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

port.on('message', (request: ThreadRequest) => {
  if (request.kind === 'hasten') hasten.abort();
  else if (request.kind === 'stop') void stop();
});

const starting = start();

async function start(): Promise<void> {
  try {
    const { transport } = await chooseTransport(setup.transportKind);
    engine = attachEngine(setup.handle);
    service = await startServing(setup, engine, transport);
    report({ kind: 'serving' });
  } catch (error) {
    fail(error);
  }
}

async function stop(): Promise<void> {
  await starting;
  if (isEnding || service === undefined) return;
  const outcome = await service.stop(hasten.signal);
  isEnding = true;
  report({ kind: 'stopped', outcome });
  await end(0);
}

function fail(error: unknown): void {
  if (isEnding) return;
  isEnding = true;
  // At once, not once it is told: clients go elsewhere the sooner.
  service?.cut();
  const isExpected = error instanceof CacheError || error instanceof ListenError;
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  report({ kind: 'failed', isExpected, message, stack });
  void end(1);
}

async function end(exitCode: number): Promise<void> {
  await starting;
  service?.cut();
  await engine?.close();
  // What was posted is on its way, and closed handles are gone, after a turn of the event loop.
  setImmediate(() => process.exit(exitCode));
}

function report(message: ThreadReport): void {
  port.postMessage(message);
}
