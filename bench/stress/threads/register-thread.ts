// A thread that writes keys of its own and reads everybody's, and checks what it reads.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { attachEngine, CacheError, type Engine, type EngineHandle } from '../../../src/index.js';
import { createRandom } from '../../lib/random.js';
import { checkedValue, sequenceOf } from '../lib/checked-value.js';
import { interceptTraps, loadTrapCore, sessionOf } from '../lib/internals.js';
import {
  isDelete,
  keyName,
  Registers,
  THREAD_ARMED,
  THREAD_AT_WORK,
  THREAD_STOPPED,
} from '../lib/registers.js';

/** `mixed`: all sizes; `shifting`: another mean in each phase; `one`: one size class. */
export type Sizes = 'mixed' | 'shifting' | 'one';

/** What to do, by whoever starts the thread. */
export interface RegisterThreadData {
  readonly handle: EngineHandle;
  readonly registers: SharedArrayBuffer;
  readonly keyCount: number;
  readonly threadCount: number;
  readonly thread: number;
  readonly firstKey: number;
  readonly ownKeyCount: number;
  readonly seed: number;
  /** Writes of 16 operations. */
  readonly writesOf16: number;
  readonly sizes: Sizes;
  readonly mayEvict: boolean;
  /** `block`: stops for good at the store that it is told; `go on`: is cut off there. */
  readonly trap: 'none' | 'block' | 'go on';
}

/** What a thread tells when it ends. */
export interface RegisterThreadReport {
  readonly reads: number;
  readonly writes: number;
  readonly busy: number;
  readonly unknown: number;
  readonly cutOff: number;
  readonly problems: readonly string[];
}

const OPERATIONS_PER_TURN = 256;
const PROBLEMS_MAX = 10;
const HUNG_MS = 20_000;
const TRAP_STORES_MAX = 600;
const OPEN_WRITES_MAX = 1_000;

class RegisterThread {
  readonly #data: RegisterThreadData;
  readonly #registers: Registers;
  readonly #engine: Engine;
  readonly #random: ReturnType<typeof createRandom>;
  readonly #keys: string[];
  /** Writes of each own key that are not answered yet, and when the last answer came. */
  readonly #open: Uint32Array;
  readonly #answeredMs: Float64Array;
  #openCount = 0;
  readonly #problems: string[] = [];
  #reads = 0;
  #writes = 0;
  #busy = 0;
  #unknown = 0;
  #cutOff = 0;

  constructor(data: RegisterThreadData) {
    this.#data = data;
    this.#registers = new Registers(data.keyCount, data.threadCount, data.registers);
    this.#random = createRandom(data.seed);
    this.#keys = Array.from({ length: data.keyCount }, (_, keyId) => keyName(keyId));
    this.#open = new Uint32Array(data.ownKeyCount);
    this.#answeredMs = new Float64Array(data.ownKeyCount);
    const { arena } = data.handle;
    const module = data.trap === 'none' ? arena.module : loadTrapCore();
    this.#engine = attachEngine({ ...data.handle, arena: { ...arena, module } });
    if (data.trap === 'block') {
      interceptTraps(this.#engine, () => {
        this.#registers.setState(data.thread, THREAD_STOPPED);
        // Until somebody ends the thread.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
        throw new Error('the thread goes on');
      });
    }
  }

  async run(): Promise<RegisterThreadReport> {
    const { thread } = this.#data;
    const registers = this.#registers;
    registers.setState(thread, THREAD_AT_WORK);
    while (registers.get('stop') === 0 && this.#problems.length === 0) {
      const before = this.#reads;
      this.#turn();
      registers.moveOn(thread);
      const reads = registers.countReads(this.#reads - before);
      const readsMax = registers.get('readsMax');
      if (readsMax !== 0 && reads >= readsMax) break;
      this.#findHung();
      await nextTurn();
    }
    // Cut off no more: what is on its way has to be answered.
    if (this.#data.trap !== 'none') sessionOf(this.#engine).core.trapAfterStores(0);
    while (this.#openCount > 0 && this.#problems.length === 0) {
      this.#findHung();
      await nextTurn();
    }
    await this.#engine.close();
    return {
      reads: this.#reads,
      writes: this.#writes,
      busy: this.#busy,
      unknown: this.#unknown,
      cutOff: this.#cutOff,
      problems: this.#problems,
    };
  }

  #turn(): void {
    const { thread, trap, writesOf16 } = this.#data;
    const isArmed = trap === 'go on' || this.#registers.state(thread) === THREAD_ARMED;
    for (let operation = 0; operation < OPERATIONS_PER_TURN; operation++) {
      if (isArmed && (operation & 63) === 0) this.#arm();
      const isWrite = (this.#random.uint32() & 15) < writesOf16;
      if (trap === 'go on') this.#survive(isWrite);
      else if (isWrite) this.#write();
      else this.#read();
    }
  }

  /** An operation that may be cut off; the thread and its engine go on. */
  #survive(isWrite: boolean): void {
    try {
      if (isWrite) this.#write();
      else this.#read();
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      this.#cutOff += 1;
    }
  }

  #arm(): void {
    sessionOf(this.#engine).core.trapAfterStores(1 + this.#random.below(TRAP_STORES_MAX));
  }

  #write(): void {
    const { firstKey, ownKeyCount } = this.#data;
    if (ownKeyCount === 0 || this.#openCount >= OPEN_WRITES_MAX) return;
    const own = this.#random.below(ownKeyCount);
    const keyId = firstKey + own;
    const key = this.#keys[keyId] as string;
    const sequence = this.#registers.attempted(keyId) + 1;
    this.#registers.attempt(keyId, sequence);
    this.#writes += 1;
    if (this.#open[own] === 0) this.#answeredMs[own] = performance.now();
    this.#open[own] = (this.#open[own] as number) + 1;
    this.#openCount += 1;
    const answer = isDelete(sequence)
      ? this.#engine.delete(key)
      : this.#engine.set(key, checkedValue(keyId, sequence, this.#sizeBytes()));
    answer.then(
      () => {
        // Answers come in the order of the calls.
        this.#registers.acknowledge(keyId, sequence);
        this.#noteAnswer(own);
      },
      (error: unknown) => {
        this.#noteAnswer(own);
        if (!this.#isExpected(error)) {
          this.#report(`write ${sequence} of key ${keyId} failed: ${String(error)}`);
        }
      },
    );
  }

  #noteAnswer(own: number): void {
    this.#open[own] = (this.#open[own] as number) - 1;
    this.#openCount -= 1;
    this.#answeredMs[own] = performance.now();
  }

  /** Whether a write may fail so; what became of it is not known then, or it was not made. */
  #isExpected(error: unknown): boolean {
    if (!CacheError.is(error)) return false;
    if (error.code === 'ERR_CACHE_OUT_OF_MEMORY') return this.#data.mayEvict;
    if (error.code !== 'ERR_CACHE_OUTCOME_UNKNOWN') return false;
    this.#unknown += 1;
    return true;
  }

  #sizeBytes(): number {
    const { sizes } = this.#data;
    const chosen = this.#random.uint32();
    const spread = chosen >>> 8;
    if (sizes === 'one') return 240;
    if (sizes === 'shifting') {
      const middle = 64 * 4 ** (this.#registers.get('phase') % 5);
      return middle + (spread % middle);
    }
    const kind = chosen % 256;
    if (kind < 200) return 16 + (spread % 400);
    if (kind < 248) return 400 + (spread % 4_000);
    if (kind < 254) return 4_000 + (spread % 14_000);
    return 18_000 + (spread % 80_000);
  }

  #read(): void {
    const keyId = this.#random.below(this.#data.keyCount);
    const acknowledged = this.#registers.acknowledged(keyId);
    this.#reads += 1;
    const view = this.#engine.getView(this.#keys[keyId] as string);
    if (view === undefined && this.#engine.readState() === 'busy') {
      this.#busy += 1;
      return;
    }
    const sequence = view === undefined ? 0 : sequenceOf(keyId, view.chunks);
    if (sequence < 0) {
      this.#report(`key ${keyId} has a torn value of ${view?.sizeBytes} bytes`);
      return;
    }
    const { mayEvict } = this.#data;
    const problem = this.#registers.problem(keyId, acknowledged, sequence, mayEvict);
    if (problem !== undefined) this.#report(problem);
  }

  #findHung(): void {
    const nowMs = performance.now();
    for (const [own, open] of this.#open.entries()) {
      if (open === 0 || nowMs - (this.#answeredMs[own] as number) < HUNG_MS) continue;
      this.#report(`a write of key ${this.#data.firstKey + own} hangs`);
      return;
    }
  }

  #report(problem: string): void {
    if (this.#problems.length >= PROBLEMS_MAX) return;
    this.#problems.push(`thread ${this.#data.thread}: ${problem}`);
    parentPort?.postMessage({ problem: this.#problems.at(-1) });
  }
}

const report = await new RegisterThread(workerData as RegisterThreadData).run();
parentPort?.postMessage({ report });
