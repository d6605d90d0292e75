import { setTimeout as delay } from 'node:timers/promises';
import ringBuffer from 'ring-buffer-ts';
import { duration } from '../../config/setting-form.js';
import type { StatsReport } from '../../observability/stats-report.js';
import { CommandError } from '../command-error.js';
import { ServiceConnection } from '../service-connection.js';
import type { ServiceOptions } from '../service-options.js';
import { readStats } from '../stats.js';
import { colorsFor } from '../terminal-text.js';
import { renderFrame, summarize } from './render-frame.js';
import { type KeyInput, type ScreenOutput, TerminalScreen } from './terminal-screen.js';
import { sampleToJson, type TopSample, TopSampler } from './top-sample.js';

const INTERVAL_MS_MIN = 50;
const INTERVAL_MS_MAX = 3_600_000;
/** Samples that the sparklines show at most. */
const SAMPLES_MAX = 300;

export interface TopOptions extends ServiceOptions {
  readonly interval: string;
  readonly count?: string;
}

/** What `top` reads from and draws on; tests give their own. */
export interface TopParts {
  readonly address: string;
  readonly intervalMs: number;
  /** Ends after so many snapshots. */
  readonly count: number;
  readonly isJson: boolean;
  readonly readStats: () => Promise<StatsReport>;
  readonly output: ScreenOutput;
  readonly input: KeyInput;
  /** Ends it from outside. */
  readonly signal: AbortSignal;
}

/** `hotshard top`. */
export async function watchTop(options: TopOptions): Promise<number> {
  const connection = new ServiceConnection(options.url);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  await runTop({
    address: connection.address,
    intervalMs: readInterval(options.interval),
    count: readCount(options.count),
    isJson: options.json === true,
    readStats: () => readStats(connection),
    output: process.stdout,
    input: process.stdin,
    signal: stop.signal,
  });
  return 0;
}

function readInterval(text: string): number {
  const result = duration(INTERVAL_MS_MIN, INTERVAL_MS_MAX).text.safeParse(text);
  if (result.success) return result.data;
  throw new CommandError(`--interval: ${result.error.issues[0]?.message}`, 2);
}

function readCount(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9][0-9]{0,9}$/.test(text)) return Number(text);
  throw new CommandError('--count: must be a whole number from 1 on', 2);
}

/**
 * A live picture on a terminal, else a line for each interval. Returns when it is told to end.
 *
 * @throws {CommandError} when the service cannot be asked; on a terminal only at first
 */
export async function runTop(parts: TopParts): Promise<void> {
  const first = await parts.readStats();
  if (parts.output.isTTY !== true || parts.isJson) await printLines(parts, first);
  else await drawFrames(parts, first);
}

/** Samples until it is told to end; a reading that fails is for `onTrouble`, or ends it. */
async function eachSample(
  { intervalMs, count, readStats: read }: TopParts,
  first: StatsReport,
  signal: AbortSignal,
  onSample: (sample: TopSample) => void,
  onTrouble: (error: unknown) => void,
): Promise<void> {
  let beforeMs = performance.now();
  const sampler = new TopSampler(first);
  for (let taken = 0; taken < count; ) {
    if (!(await waited(intervalMs, signal))) return;
    try {
      const stats = await read();
      const nowMs = performance.now();
      if (signal.aborted) return;
      onSample(sampler.next(stats, (nowMs - beforeMs) / 1_000));
      taken += 1;
      beforeMs = nowMs;
    } catch (error) {
      onTrouble(error);
    }
  }
}

/** @returns false when it was told to end meanwhile */
async function waited(durationMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(durationMs, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

function printLines(parts: TopParts, first: StatsReport): Promise<void> {
  const print = (sample: TopSample): void => {
    const line = parts.isJson ? sampleToJson(sample, new Date()) : summarize(sample);
    parts.output.write(`${line}\n`);
  };
  return eachSample(parts, first, parts.signal, print, (error) => {
    throw error;
  });
}

/** Terminals that do not know their size say 0. */
function sizeOr(size: number | undefined, usual: number): number {
  return size === undefined || size === 0 ? usual : size;
}

async function drawFrames(parts: TopParts, first: StatsReport): Promise<void> {
  const { address, output, input } = parts;
  const colors = colorsFor(output);
  const quit = new AbortController();
  // What is there at once; rates come with the second reading.
  const samples = new ringBuffer.RingBuffer<TopSample>(SAMPLES_MAX);
  samples.add(new TopSampler(first).next(first, 1));
  let trouble: string | undefined;
  const draw = (): void => {
    const size = { columns: sizeOr(output.columns, 80), rows: sizeOr(output.rows, 24) };
    screen.draw(renderFrame({ address, samples: samples.toArray(), trouble }, size, colors));
  };
  const screen = new TerminalScreen(output, input, () => quit.abort(), draw);
  try {
    draw();
    await eachSample(
      parts,
      first,
      AbortSignal.any([parts.signal, quit.signal]),
      (sample) => {
        trouble = undefined;
        samples.add(sample);
        draw();
      },
      (error) => {
        if (!(error instanceof CommandError)) throw error;
        trouble = error.message;
        draw();
      },
    );
  } finally {
    screen.close();
  }
}
