/** What the engine's policies have to reach, and whether the measured rows reach it. */
import type { HitRatioRow } from './measurement.js';

/** A bound, and the row that comes nearest to missing it. */
export interface Bound {
  /** Result name in reports. */
  readonly name: string;
  readonly statement: string;
  /** `least`: the value must be at least the limit; `most`: at most. */
  readonly kind: 'least' | 'most';
  /** A mean hit ratio in per cent, or a difference in points. */
  readonly value: number;
  readonly limit: number;
  /** What the limit is. */
  readonly limitName: string;
  readonly where: string;
  readonly missedRows: readonly string[];
  readonly rowCount: number;
}

const LRU_DIFFERENCE_MAX = 0.3;
const LONG_TRACE_REQUESTS_PER_ENTRY = 500;
const LONG_TRACE_LOSS_MAX = 1.5;
const SHORT_TRACE_LOSS_MAX = 5;
const S3_FIFO_DIFFERENCE_MAX = 1;
/** libCacheSim refuses every object for a small queue of one entry, so it has no hits there. */
const S3_FIFO_ENTRIES_MIN = 20;

export function isReached({ kind, value, limit }: Bound): boolean {
  return kind === 'least' ? value >= limit : value <= limit;
}

function placeOf(row: HitRatioRow): string {
  return `${row.trace}, ${row.entries} entries`;
}

/** The bound that no row is further than `limit` away. Undefined without rows. */
function worstOf(
  rows: readonly HitRatioRow[],
  difference: (row: HitRatioRow) => number,
  named: Pick<Bound, 'name' | 'statement' | 'limit'>,
): Bound[] {
  let worst: HitRatioRow | undefined;
  for (const row of rows) {
    if (worst === undefined || difference(row) > difference(worst)) worst = row;
  }
  if (worst === undefined) return [];
  const missed = rows.filter((row) => difference(row) > named.limit);
  return [
    {
      ...named,
      kind: 'most',
      value: difference(worst),
      limitName: `bound of ${named.limit} points`,
      where: placeOf(worst),
      missedRows: missed.map(placeOf),
      rowCount: rows.length,
    },
  ];
}

function meanOf(rows: readonly HitRatioRow[], ratio: (row: HitRatioRow) => number): number {
  return rows.reduce((sum, row) => sum + ratio(row), 0) / rows.length;
}

function ratioOf(row: HitRatioRow, policy: string): number {
  return row.engine[policy] as number;
}

function lruBounds(rows: readonly HitRatioRow[]): Bound[] {
  return worstOf(rows, (row) => Math.abs(ratioOf(row, 'lru') - row.simulated.exactLru), {
    name: 'lru.difference',
    statement: `\`lru\` within ${LRU_DIFFERENCE_MAX} points of exact LRU`,
    limit: LRU_DIFFERENCE_MAX,
  });
}

function lfuMeanBound(
  rows: readonly HitRatioRow[],
  peer: string,
  peerRatio: (row: HitRatioRow) => number,
): Bound {
  return {
    name: 'lfu.mean',
    statement: `mean of \`lfu\` over all traces and sizes above ${peer}`,
    kind: 'least',
    value: meanOf(rows, (row) => ratioOf(row, 'lfu')),
    limit: meanOf(rows, peerRatio),
    limitName: peer,
    where: '',
    missedRows: [],
    rowCount: rows.length,
  };
}

function lfuBounds(rows: readonly HitRatioRow[]): Bound[] {
  const loss = (row: HitRatioRow): number =>
    Math.max(row.simulated.exactLru, row.simulated.fixedWindow) - ratioOf(row, 'lfu');
  const isLong = (row: HitRatioRow): boolean =>
    row.requests >= LONG_TRACE_REQUESTS_PER_ENTRY * row.entries;
  const better = 'the better of exact LRU and W-TinyLFU with a window of 1 %';
  const length = `${LONG_TRACE_REQUESTS_PER_ENTRY} requests per entry`;
  return [
    lfuMeanBound(rows, 'exact LRU', (row) => row.simulated.exactLru),
    lfuMeanBound(rows, 'W-TinyLFU 1 %', (row) => row.simulated.fixedWindow),
    ...worstOf(rows.filter(isLong), loss, {
      name: 'lfu.loss.long',
      statement: `\`lfu\` within ${LONG_TRACE_LOSS_MAX} points of ${better}, from ${length}`,
      limit: LONG_TRACE_LOSS_MAX,
    }),
    ...worstOf(
      rows.filter((row) => !isLong(row)),
      loss,
      {
        name: 'lfu.loss.short',
        statement: `\`lfu\` within ${SHORT_TRACE_LOSS_MAX} points of it, below ${length}`,
        limit: SHORT_TRACE_LOSS_MAX,
      },
    ),
  ];
}

function s3FifoBounds(rows: readonly HitRatioRow[]): Bound[] {
  const comparable = rows.filter((row) => row.entries >= S3_FIFO_ENTRIES_MIN);
  const difference = (row: HitRatioRow): number =>
    Math.abs(ratioOf(row, 's3fifo') - (row.libCacheSim['S3FIFO'] ?? row.simulated.s3Fifo));
  return worstOf(comparable, difference, {
    name: 's3fifo.difference',
    statement: `\`s3fifo\` within ${S3_FIFO_DIFFERENCE_MAX} point of libCacheSim's S3FIFO, from ${S3_FIFO_ENTRIES_MIN} entries`,
    limit: S3_FIFO_DIFFERENCE_MAX,
  });
}

interface PolicyBounds {
  readonly names: readonly string[];
  readonly of: (rows: readonly HitRatioRow[]) => Bound[];
}

const BOUNDS_OF_POLICY: Readonly<Record<string, PolicyBounds>> = {
  lru: { names: ['lru.difference'], of: lruBounds },
  lfu: { names: ['lfu.mean', 'lfu.loss.long', 'lfu.loss.short'], of: lfuBounds },
  s3fifo: { names: ['s3fifo.difference'], of: s3FifoBounds },
};

/** The names of all bounds of these policies. */
export function boundNames(policies: readonly string[]): string[] {
  return policies.flatMap((policy) => BOUNDS_OF_POLICY[policy]?.names ?? []);
}

/** The bounds of the policies that the rows have. */
export function boundsOf(rows: readonly HitRatioRow[]): Bound[] {
  const policies = Object.keys(rows[0]?.engine ?? {});
  return policies.flatMap((policy) => BOUNDS_OF_POLICY[policy]?.of(rows) ?? []);
}
