/** The tables of hit ratios: as text for a terminal and as the page of the documentation. */
import type { Machine } from '../lib/machine.js';
import { formatMachine } from '../lib/report.js';
import { type Bound, boundsOf, isReached } from './bounds.js';
import type { HitRatioRow } from './measurement.js';

/** File of the plot, beside the page. */
export const PLOT_FILE = 'hit-ratios.svg';

/** Traces are known by their names without what their files end with. */
export function traceTitle(trace: string): string {
  return trace.replace(/(\.(trace|csv|lis|gz|xz|zst))+$/, '');
}

function ratioText(ratio: number | undefined): string {
  return ratio === undefined ? '' : ratio.toFixed(2);
}

interface Column {
  readonly title: string;
  readonly ratio: (row: HitRatioRow) => number | undefined;
}

function ownColumns(rows: readonly HitRatioRow[]): Column[] {
  const policies = Object.keys(rows[0]?.engine ?? {});
  return [
    ...policies.map((policy) => ({
      title: `\`${policy}\``,
      ratio: (row: HitRatioRow) => row.engine[policy],
    })),
    { title: 'exact LRU', ratio: (row) => row.simulated.exactLru },
    { title: 'W-TinyLFU 1 %', ratio: (row) => row.simulated.fixedWindow },
    { title: 'Belady', ratio: (row) => row.simulated.belady },
  ];
}

function peerColumns(rows: readonly HitRatioRow[]): Column[] {
  const policies = Object.keys(rows.find(({ trace }) => trace !== '')?.libCacheSim ?? {});
  return policies.map((policy) => ({
    title: policy.replace('-1pct-window', ' 1 %'),
    ratio: (row) => row.libCacheSim[policy],
  }));
}

function meansOf(rows: readonly HitRatioRow[], columns: readonly Column[]): string[] {
  return columns.map(({ ratio }) => {
    const sum = rows.reduce((total, row) => total + (ratio(row) ?? Number.NaN), 0);
    return ratioText(sum / rows.length);
  });
}

function cellsOf(rows: readonly HitRatioRow[], columns: readonly Column[]): string[][] {
  const lines = rows.map((row) => [
    traceTitle(row.trace),
    row.entries.toLocaleString('en-US'),
    Math.floor(row.requests / row.entries).toLocaleString('en-US'),
    ...columns.map(({ ratio }) => ratioText(ratio(row))),
  ]);
  return [...lines, ['mean', '', '', ...meansOf(rows, columns)]];
}

const ROW_TITLES = ['trace', 'entries', 'requests per entry'];

function markdownTable(rows: readonly HitRatioRow[], columns: readonly Column[]): string {
  const titles = [...ROW_TITLES, ...columns.map(({ title }) => title)];
  const rule = titles.map((_, index) => (index === 0 ? '---' : '--:'));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [titles, rule, ...cellsOf(rows, columns)].map(line).join('\n');
}

/** The table for a terminal. */
export function formatRows(rows: readonly HitRatioRow[]): string {
  if (rows.length === 0) return 'no trace was measured';
  const columns = ownColumns(rows);
  const titles = ['trace', 'entries', 'req/entry', ...columns.map(({ title }) => title)];
  const lines = [titles, ...cellsOf(rows, columns)];
  const widths = titles.map((_, index) =>
    Math.max(...lines.map((line) => line[index]?.length ?? 0)),
  );
  const pad = (cell: string, index: number): string =>
    index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0);
  return ['hit ratios in per cent', ...lines.map((line) => line.map(pad).join('  '))].join('\n');
}

function boundLine(bound: Bound): string {
  const isMean = bound.kind === 'least';
  const measured = isMean
    ? `${bound.value.toFixed(2)} against ${bound.limit.toFixed(2)}`
    : `${bound.value.toFixed(2)} (${bound.where.replace(/\.\S+,/, ',')})`;
  const verdict = isReached(bound) ? 'reached' : '**missed**';
  const missed = bound.missedRows.length > 0 ? `: ${bound.missedRows.join('; ')}` : '';
  return `| ${bound.statement} | ${measured} | ${verdict}${missed} |`;
}

const HOW = `Every trace is replayed at three sizes through the engine with one shard that the replaying thread
writes itself (\`workers: 0\`), bounded by \`maxEntries\`. Each request is a get; a get that misses is
followed by an awaited set of 8 bytes. All entries weigh the same, and every request counts, those of
the cold start too.

- *exact LRU* and *Belady* (the optimum, which knows the future) are own simulations. Their hits are
  compared with those that are known of each trace (LRU to the last hit, Belady to two decimals) and
  the run ends with an error where they differ.
- *W-TinyLFU 1 %* is an own simulation with the sketch and the admission of \`lfu\` and a window that
  does not adapt.
- The figures of libCacheSim are published with the traces, not measured here. Its W-TinyLFU has a
  fixed window of 1 % and no hits below about 100 entries; its S3FIFO refuses everything at 10.
- The engine hashes keys with a random seed, which \`lfu\` and \`s3fifo\` feel: their figures vary a
  little from run to run, those of the simulations do not.`;

/** The page of the documentation. */
export function renderPage(
  rows: readonly HitRatioRow[],
  machine: Machine,
  command: string,
): string {
  const bounds = boundsOf(rows).map(boundLine);
  return `# Hit ratios

Hits per request in per cent of the engine's eviction policies over recorded traces. Written by
\`${command}\`; do not edit.

![Hit ratios of every trace at three sizes](${PLOT_FILE})

## Bounds

| bound | measured (the worst row) | |
|---|---|---|
${bounds.join('\n')}

"Points" are differences of per cent.

## How it was measured

${HOW}

${formatMachine(machine)}

## The engine beside its yardsticks

${markdownTable(rows, ownColumns(rows))}

## The same by libCacheSim

${markdownTable(rows, peerColumns(rows))}
`;
}
