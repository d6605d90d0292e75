/** The picture of `hotshard top`, as lines of text that fit the terminal. */
import { formatBytes, formatCount, formatMs, formatShare, formatUptime } from '../quantities.js';
import type { Colors } from '../terminal-text.js';
import type { TopSample } from './top-sample.js';

const SPARKS = '▁▂▃▄▅▆▇█';
const BAR_WIDTH = 24;
const LABEL_WIDTH = 12;

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

export interface Frame {
  readonly address: string;
  /** The latest last; at least one. */
  readonly samples: readonly TopSample[];
  /** Why there is no newer sample; `undefined` when there is. */
  readonly trouble: string | undefined;
}

type Style = (text: string) => string;

/** One line: cut first, coloured then, since codes of colours take no room. */
interface Line {
  readonly text: string;
  readonly style?: Style;
}

/** @returns at most `rows` lines of at most `columns` characters */
export function renderFrame(frame: Frame, { columns, rows }: FrameSize, colors: Colors): string[] {
  const sample = frame.samples.at(-1);
  if (sample === undefined) return [];
  const lines: readonly Line[] = [
    headLine(frame, sample, colors),
    { text: '' },
    ...rateLines(frame.samples, sample, columns, colors),
    { text: '' },
    ...operationLines(sample, colors),
    { text: '' },
    ...shardLines(sample, colors),
  ];
  return lines.slice(0, rows).map(({ text, style }) => {
    const cut = [...text].slice(0, columns).join('');
    return style === undefined ? cut : style(cut);
  });
}

function headLine({ address, trouble }: Frame, { stats }: TopSample, colors: Colors): Line {
  if (trouble !== undefined) return { text: `hotshard  ${trouble}`, style: colors.red };
  const state = stats.isDraining ? ', draining' : '';
  const text =
    `hotshard ${stats.version} at ${address}  up ${formatUptime(stats.uptimeSeconds)}${state}  ` +
    `${stats.transport}, threads ${stats.threads}, connections ${formatCount(stats.connections)}, ` +
    `WebSockets ${formatCount(stats.sockets)}  (q ends)`;
  return { text, style: colors.bold };
}

function rateLines(
  samples: readonly TopSample[],
  sample: TopSample,
  columns: number,
  colors: Colors,
): Line[] {
  const { stats, hitRatio } = sample;
  const sparks = Math.max(0, Math.min(samples.length, columns - 60));
  const line = (label: string, text: string, read: (from: TopSample) => number): Line => ({
    text: `${label.padEnd(LABEL_WIDTH)}${text.padEnd(44)}${sparkline(samples.slice(-sparks).map(read))}`,
  });
  const share = hitRatio === undefined ? 'no reads' : formatShare(hitRatio);
  const hitColor = hitRatio !== undefined && hitRatio < 0.7 ? colors.yellow : colors.green;
  return [
    {
      ...line('hit ratio', `${share}, ${formatShare(stats.hitRatio)} since the start`, (from) => {
        return from.hitRatio ?? 0;
      }),
      style: hitColor,
    },
    line('reads', `${formatCount(sample.readsPerSecond)}/s`, (from) => from.readsPerSecond),
    line(
      'writes',
      `${formatCount(sample.setsPerSecond)} sets/s, ` +
        `${formatCount(sample.deletesPerSecond)} deletes/s`,
      (from) => from.setsPerSecond + from.deletesPerSecond,
    ),
    line(
      'removed',
      `${formatCount(sample.evictionsPerSecond)} evicted/s, ` +
        `${formatCount(sample.expirationsPerSecond)} expired/s`,
      (from) => from.evictionsPerSecond + from.expirationsPerSecond,
    ),
    line(
      'memory',
      `${formatBytes(stats.bytes)} of ${formatBytes(stats.memoryBytes)}, ` +
        `${formatCount(stats.items)} entries`,
      (from) => from.stats.bytes,
    ),
  ];
}

function operationLines({ operations }: TopSample, colors: Colors): Line[] {
  const cells = (name: string, others: readonly string[]): string =>
    `${name.padEnd(18)}${others.map((cell) => cell.padStart(12)).join('')}`;
  const head = cells('operation', ['per second', 'p50', 'p90', 'p99']);
  const busiest = operations.toSorted((left, right) => right.perSecond - left.perSecond);
  return [
    { text: `${head}  since the start`, style: colors.dim },
    ...busiest.map(({ name, perSecond, p50Ms, p90Ms, p99Ms }) => ({
      text: cells(name, [formatCount(perSecond), ...[p50Ms, p90Ms, p99Ms].map(formatMs)]),
    })),
  ];
}

function shardLines({ stats }: TopSample, colors: Colors): Line[] {
  const { shards, memoryBytes } = stats;
  const shardBytes = memoryBytes / Math.max(1, shards.length);
  const head = `${'shard'.padEnd(7)}${'memory'.padEnd(BAR_WIDTH + 9)}${'bytes'.padStart(11)}`;
  const text = `${head}${'entries'.padStart(13)}${'free pages'.padStart(12)}${'evicted'.padStart(13)}`;
  return [
    { text, style: colors.dim },
    ...shards.map((shard, index) => {
      const share = Math.min(1, shard.bytes / shardBytes);
      const filled = Math.round(share * BAR_WIDTH);
      const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
      return {
        text:
          `${String(index).padEnd(7)}${bar} ${formatShare(share).padStart(8)}` +
          `${formatBytes(shard.bytes).padStart(11)}${formatCount(shard.items).padStart(13)}` +
          `${formatCount(shard.freePages).padStart(12)}${formatCount(shard.evictions).padStart(13)}`,
      };
    }),
  ];
}

/** A bar for each number, the largest at full height. */
export function sparkline(numbers: readonly number[]): string {
  const largest = Math.max(...numbers, 0);
  if (largest === 0) return SPARKS.slice(0, 1).repeat(numbers.length);
  return numbers
    .map((number) => SPARKS[Math.round((number / largest) * (SPARKS.length - 1))])
    .join('');
}

/** The most important of it in one line, for where there is no terminal. */
export function summarize(sample: TopSample): string {
  const { stats, hitRatio } = sample;
  return [
    `reads ${formatCount(sample.readsPerSecond)}/s`,
    `hit ratio ${hitRatio === undefined ? 'none' : formatShare(hitRatio)}`,
    `sets ${formatCount(sample.setsPerSecond)}/s`,
    `deletes ${formatCount(sample.deletesPerSecond)}/s`,
    `evictions ${formatCount(sample.evictionsPerSecond)}/s`,
    `entries ${formatCount(stats.items)}`,
    `memory ${formatBytes(stats.bytes)} of ${formatBytes(stats.memoryBytes)}`,
  ].join(', ');
}
