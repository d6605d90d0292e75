/**
 * Step model of the shared clock while another worker, or none, is to tick it
 * (`workers/shard-homes.ts`, `workers/idle-strategy.ts`, `native-free-core/assembly/clock.ts` and
 * `parking.ts`).
 *
 *  word      written by        meaning
 *  ticker    creator           0, or the worker that ticks
 *  time      ticker, readers   0: stands (+infinity, everybody asks the own clock), 1: runs
 *  parked    a worker          1: it sleeps or is about to; one word per worker
 *  doorbell  creator, readers  moved before a worker is notified; one word per worker
 *
 * - Creator: stores the ticker, THEN rings it; with none it stops the clock.
 * - Reader that finds the clock standing, and a ticker: makes the clock run, THEN looks at the
 *   ticker again: it rings that one if it is parked, or stops the clock where there is none.
 * - Ticker: makes the clock run, THEN looks at the ticker again: if it is another one by now, it
 *   does as a reader does.
 *   Before it sleeps it reads its doorbell, THEN looks whether it is the ticker. If so it stops
 *   the clock, stores `parked`, THEN looks at the clock once more, and sleeps only if it stands.
 */

import type { StateView, Step, Word } from './protocol.js';
import { at, END, NEXT, Protocol, step, WAIT } from './protocol.js';

/** Ways to get it wrong, each of which the model must find out. */
export type TickerFault =
  | 'reader does not look again'
  | 'reader rings the ticker it saw first'
  | 'worker does not look again'
  | 'former ticker rings nobody'
  | 'new ticker not rung'
  | 'clock stopped before the ticker is stored'
  | 'clock not looked at before sleeping'
  | 'doorbell read after the ticker';

export const STANDS = 'the clock stands, and everybody asks';
/** Without the time-out of a worker's sleep, for ever. */
export const STUCK_TIME = 'the clock seems to run, but nobody ticks';

interface Ticker {
  readonly number: number;
  readonly parked: Word;
  readonly doorbell: Word;
  readonly bell: Word;
  readonly asleep: Word;
}

const FIRST = 1;

class SharedClock {
  readonly protocol: Protocol = new Protocol();
  private readonly fault: TickerFault | undefined;
  private readonly ticker: Word;
  private readonly time: Word;
  private readonly workers: readonly Ticker[];

  constructor(tickers: readonly number[], fault: TickerFault | undefined) {
    const { protocol } = this;
    this.fault = fault;
    this.ticker = protocol.shared('ticker', FIRST);
    this.time = protocol.shared('time');
    this.workers = [FIRST, 2].map((number) => ({
      number,
      parked: protocol.shared(`worker ${number} parked`),
      doorbell: protocol.shared(`worker ${number} doorbell`),
      bell: protocol.private(`worker ${number} bell`),
      asleep: protocol.private(`worker ${number} asleep`),
    }));
    protocol.thread('reader', this.readerSteps());
    protocol.thread('creator', this.creatorSteps(tickers));
    for (const worker of this.workers) {
      const name = `worker ${worker.number}`;
      protocol.thread(name, this.workerSteps(worker), { daemon: true });
    }
    protocol.outcome((view) => (view.inspect(this.time) === 0 ? STANDS : STUCK_TIME));
  }

  private worker(number: number): Ticker {
    return at(this.workers, number - 1);
  }

  private readerSteps(): Step[] {
    const target = this.protocol.private('reader target');
    const ringsFirst = this.fault === 'reader rings the ticker it saw first';
    return [
      step('does the clock run', (t) => (t.load(this.time) === 0 ? NEXT : END)),
      step('load the ticker', (t) => {
        t.set(target, t.load(this.ticker));
        return t.get(target) === 0 ? END : NEXT;
      }),
      step('let the clock run', (t) => {
        t.store(this.time, 1);
        return this.fault === 'reader does not look again' ? 'load parked' : NEXT;
      }),
      step('look again', (t) => {
        const later = t.load(this.ticker);
        if (later === 0) return 'stop the clock';
        if (!ringsFirst) t.set(target, later);
        return 'load parked';
      }),
      step('stop the clock', (t) => {
        t.store(this.time, 0);
        return END;
      }),
      ...this.ringSteps(target, END),
    ];
  }

  /** Rings the worker of a register, if it is parked. */
  private ringSteps(target: Word, after: string): Step[] {
    const worker = (t: StateView): Ticker => at(this.workers, t.get(target) - 1);
    return [
      step('load parked', (t) => (t.load(worker(t).parked) === 0 ? after : NEXT)),
      step('move the doorbell', (t) => {
        t.add(worker(t).doorbell, 1);
        return NEXT;
      }),
      step('notify', (t) => {
        t.set(worker(t).asleep, 0);
        return after;
      }),
    ];
  }

  private creatorSteps(tickers: readonly number[]): Step[] {
    return tickers.flatMap((ticker, index) => {
      const label = `change ${index + 1}: `;
      const store = step(`${label}store the ticker`, (t) => t.store(this.ticker, ticker));
      if (ticker === 0) {
        const stop = step(`${label}stop the clock`, (t) => t.store(this.time, 0));
        const isEarly = this.fault === 'clock stopped before the ticker is stored';
        return isEarly ? [stop, store] : [store, stop];
      }
      if (this.fault === 'new ticker not rung') return [store];
      const worker = this.worker(ticker);
      const move = step(`${label}move the doorbell`, (t) => {
        t.add(worker.doorbell, 1);
        return NEXT;
      });
      return [store, move, step(`${label}notify`, (t) => t.set(worker.asleep, 0))];
    });
  }

  private workerSteps(worker: Ticker): Step[] {
    const begin = 'is it the ticker';
    const looksAgain = this.fault !== 'worker does not look again';
    const target = this.protocol.private(`worker ${worker.number} target`);
    const isLate = this.fault === 'doorbell read after the ticker';
    const readBell = step(isLate ? 'read the doorbell late' : 'park', (t) =>
      t.set(worker.bell, t.load(worker.doorbell)),
    );
    const looksBefore = this.fault !== 'clock not looked at before sleeping';
    return [
      step(begin, (t) => (t.load(this.ticker) === worker.number ? NEXT : 'park')),
      // It ticks for a while after each wake-up.
      step('tick or rest', (t) => (t.branch === 0 ? NEXT : 'park'), 2),
      step('tick', (t) => {
        t.store(this.time, 1);
        return looksAgain ? NEXT : begin;
      }),
      step('is it the ticker now', (t) => {
        const later = t.load(this.ticker);
        if (later === worker.number) return begin;
        t.set(target, later);
        if (later === 0) return NEXT;
        return this.fault === 'former ticker rings nobody' ? begin : 'load parked';
      }),
      step('stop the clock', (t) => {
        t.store(this.time, 0);
        return begin;
      }),
      ...this.ringSteps(target, begin),
      ...(isLate ? [step('park', () => NEXT)] : [readBell]),
      // Not the ticker: nothing to stop. One that becomes it now is rung, and does not sleep.
      step('is it the ticker still', (t) =>
        t.load(this.ticker) === worker.number ? NEXT : 'store parked idle',
      ),
      step('stop before sleeping', (t) => t.store(this.time, 0)),
      step('store parked', (t) => {
        t.store(worker.parked, 1);
        return looksBefore ? NEXT : 'sleep';
      }),
      step('does it stand', (t) => (t.load(this.time) === 0 ? 'sleep' : 'unpark')),
      step('store parked idle', (t) => t.store(worker.parked, 1)),
      ...(isLate ? [readBell] : []),
      step('sleep', (t) =>
        t.load(worker.doorbell) === t.get(worker.bell) ? t.set(worker.asleep, 1) : 'unpark',
      ),
      step('asleep', (t) => (t.get(worker.asleep) === 1 ? WAIT : NEXT)),
      step('unpark', (t) => t.store(worker.parked, 0)),
      step('again', (t) => {
        t.set(worker.bell, 0);
        return begin;
      }),
    ];
  }
}

/** The tickers that are named one after the other, 0 for none; at first worker 1 ticks. */
export function createTickerModel(tickers: readonly number[], fault?: TickerFault): Protocol {
  return new SharedClock(tickers, fault).protocol;
}
