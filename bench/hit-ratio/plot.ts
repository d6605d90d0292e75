/**
 * The plot of hit ratios: one small panel per trace, in each a group of bars per size and a dark
 * line where the optimum is. Plain SVG; colours that colour-blind people tell apart (Okabe, Ito).
 */
import type { HitRatioRow } from './measurement.js';
import { traceTitle } from './page.js';

const PANEL_COLUMNS = 4;
const PANEL = { width: 250, height: 150, left: 34, top: 26, bottom: 22, gap: 14 };
const MARGIN = 20;
const HEADER_HEIGHT = 64;
const GRID_RATIOS = [0, 25, 50, 75, 100];
const GROUP_FILL = 0.84;
const TEXT = '#222222';

interface Series {
  readonly title: string;
  readonly colour: string;
  readonly ratio: (row: HitRatioRow) => number | undefined;
}

const ENGINE_COLOURS: Readonly<Record<string, string>> = {
  lru: '#999999',
  lfu: '#0072b2',
  s3fifo: '#e69f00',
};

function seriesOf(rows: readonly HitRatioRow[]): Series[] {
  const policies = Object.keys(rows[0]?.engine ?? {});
  return [
    ...policies.map((policy) => ({
      title: policy,
      colour: ENGINE_COLOURS[policy] ?? TEXT,
      ratio: (row: HitRatioRow) => row.engine[policy],
    })),
    {
      title: 'W-TinyLFU, window 1 %',
      colour: '#56b4e9',
      ratio: (row) => row.simulated.fixedWindow,
    },
  ];
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${attributes}>${escapeText(content)}</text>`;
}

function box(x: number, y: number, width: number, height: number, fill: string): string {
  const place = `x="${x.toFixed(1)}" y="${y.toFixed(1)}"`;
  return `<rect ${place} width="${width.toFixed(1)}" height="${height.toFixed(1)}" fill="${fill}"/>`;
}

function line(x1: number, x2: number, y: number, stroke: string, width: number): string {
  const ends = `x1="${x1.toFixed(1)}" x2="${x2.toFixed(1)}"`;
  const height = `y1="${y.toFixed(1)}" y2="${y.toFixed(1)}"`;
  return `<line ${ends} ${height} stroke="${stroke}" stroke-width="${width}"/>`;
}

const PLOT_WIDTH = PANEL.width - PANEL.left;
const PLOT_HEIGHT = PANEL.height - PANEL.top - PANEL.bottom;

/** Distance from the top of a panel at which a hit ratio lies. */
function heightOf(ratio: number): number {
  return PANEL.top + PLOT_HEIGHT * (1 - ratio / 100);
}

function groupOf(
  row: HitRatioRow,
  index: number,
  count: number,
  series: readonly Series[],
): string[] {
  const groupWidth = PLOT_WIDTH / count;
  const left = PANEL.left + groupWidth * (index + (1 - GROUP_FILL) / 2);
  const barWidth = (groupWidth * GROUP_FILL) / series.length;
  const bars = series.map(({ colour, ratio, title }, bar) => {
    const value = ratio(row) ?? 0;
    const top = heightOf(value);
    const shape = box(left + bar * barWidth, top, barWidth - 1, heightOf(0) - top, colour);
    return `<g><title>${escapeText(`${title}: ${value.toFixed(2)} %`)}</title>${shape}</g>`;
  });
  const optimum = heightOf(row.simulated.belady);
  const middle = left + (groupWidth * GROUP_FILL) / 2;
  return [
    ...bars,
    line(left - 2, left + groupWidth * GROUP_FILL + 1, optimum, TEXT, 2),
    text(middle, PANEL.height - 8, row.entries.toLocaleString('en-US'), ' text-anchor="middle"'),
  ];
}

function panelOf(trace: string, rows: readonly HitRatioRow[], series: readonly Series[]): string[] {
  const grid = GRID_RATIOS.flatMap((ratio) => [
    line(PANEL.left, PANEL.width, heightOf(ratio), '#dddddd', 1),
    text(PANEL.left - 5, heightOf(ratio) + 3.5, String(ratio), ' text-anchor="end"'),
  ]);
  return [
    text(PANEL.left, PANEL.top - 9, traceTitle(trace), ' font-size="12" font-weight="bold"'),
    ...grid,
    ...rows.flatMap((row, index) => groupOf(row, index, rows.length, series)),
  ];
}

function legendOf(series: readonly Series[]): string[] {
  const shapes: string[] = [];
  let x = MARGIN;
  for (const { title, colour } of series) {
    shapes.push(box(x, 38, 12, 12, colour), text(x + 17, 48, title, ' font-size="12"'));
    x += 40 + title.length * 7;
  }
  shapes.push(
    line(x, x + 18, 44, TEXT, 2),
    text(x + 23, 48, 'Belady (optimum)', ' font-size="12"'),
  );
  return shapes;
}

/** The plot of all rows as an SVG document. */
export function renderPlot(rows: readonly HitRatioRow[]): string {
  const series = seriesOf(rows);
  const traces = [...new Set(rows.map(({ trace }) => trace))];
  const columns = Math.min(PANEL_COLUMNS, traces.length);
  const panels = traces.flatMap((trace, index) => {
    const x = MARGIN + (index % columns) * (PANEL.width + PANEL.gap);
    const y = HEADER_HEIGHT + Math.floor(index / columns) * (PANEL.height + PANEL.gap);
    const own = rows.filter((row) => row.trace === trace);
    return [`<g transform="translate(${x} ${y})">`, ...panelOf(trace, own, series), '</g>'];
  });
  const width = 2 * MARGIN + columns * (PANEL.width + PANEL.gap) - PANEL.gap;
  const panelRows = Math.ceil(traces.length / columns);
  const height = HEADER_HEIGHT + panelRows * (PANEL.height + PANEL.gap) + MARGIN;
  const title = 'Hits per request in per cent, by number of entries';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
      `font-family="sans-serif" font-size="10" fill="${TEXT}" role="img">`,
    `<title>${title}</title>`,
    box(0, 0, width, height, '#ffffff'),
    text(MARGIN, 24, title, ' font-size="15" font-weight="bold"'),
    ...legendOf(series),
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}
