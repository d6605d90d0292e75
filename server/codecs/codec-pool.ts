import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { ByteBudget } from '../byte-budget.js';
import { RequestError } from '../error-table.js';
import type { CodecThreadData } from './codec-task.js';
import type { CodecOutcome, CodecWork } from './codec-work.js';

// From the sources (tests) the built task is run: threads load no TypeScript.
const ownSource = import.meta.url;
const TASK_MODULE = new URL(
  ownSource.endsWith('.ts') ? '../../dist/server/codecs/codec-task.js' : './codec-task.js',
  ownSource,
);
/** Threads without work for so long end. */
const IDLE_TIMEOUT_MS = 30_000;
/** Values that wait for a thread. */
const WAITING_MAX = 256;
/** Bytes that wait for a thread or are in one, in values of the largest size. */
const LARGEST_VALUES_MAX = 8;

/** Threads for large values. None is started before the first of them comes. */
export class CodecPool {
  private readonly threadsMax: number;
  private readonly data: CodecThreadData;
  private readonly budget: ByteBudget;
  private piscina: Piscina<CodecWork, CodecOutcome> | undefined;
  private isClosed = false;

  constructor(threadsMax: number, data: CodecThreadData) {
    this.threadsMax = threadsMax;
    this.data = data;
    this.budget = new ByteBudget(LARGEST_VALUES_MAX * data.valueBytesMax);
  }

  /** Threads that there are now. */
  get threadCount(): number {
    return this.piscina?.threads.length ?? 0;
  }

  /**
   * Does the work in a thread, on a copy of the bytes: they are the caller's again at once.
   *
   * @throws {RequestError} `ERR_CACHE_OVERLOADED`, `ERR_CACHE_CLOSED`
   */
  async run(work: CodecWork): Promise<CodecOutcome> {
    if (this.isClosed) throw closed();
    const piscina = this.open();
    const byteCount = work.bytes.length;
    if (piscina.queueSize >= WAITING_MAX || !this.budget.tryTake(byteCount)) {
      throw new RequestError('ERR_CACHE_OVERLOADED', 'too many large values are being converted');
    }
    try {
      const bytes = new Uint8Array(work.bytes);
      return await piscina.run({ ...work, bytes }, { transferList: [bytes.buffer] });
    } catch (error) {
      if (this.isClosed) throw closed();
      throw error;
    } finally {
      this.budget.give(byteCount);
    }
  }

  /** Ends the threads; works that are not done are refused. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.piscina?.destroy();
    this.piscina = undefined;
  }

  private open(): Piscina<CodecWork, CodecOutcome> {
    this.piscina ??= new Piscina<CodecWork, CodecOutcome>({
      filename: fileURLToPath(TASK_MODULE),
      name: 'performCodecTask',
      minThreads: 0,
      maxThreads: this.threadsMax,
      idleTimeout: IDLE_TIMEOUT_MS,
      // What waits is bounded above, together with its bytes.
      maxQueue: 2 * WAITING_MAX,
      workerData: this.data,
      // Flags of the process, such as a debugger's, are not for short-lived threads.
      execArgv: [],
    });
    return this.piscina;
  }
}

function closed(): RequestError {
  return new RequestError('ERR_CACHE_CLOSED', 'the service is closing');
}
