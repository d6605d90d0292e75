import type { StatsReport } from '../observability/stats-report.js';
import { formatBytes, formatCount, formatMs, formatShare, formatUptime } from './quantities.js';
import { ServiceConnection } from './service-connection.js';
import type { ServiceOptions } from './service-options.js';
import { type Colors, colorsFor } from './terminal-text.js';

/** Asks a running service what it has counted. */
export function readStats(connection: ServiceConnection): Promise<StatsReport> {
  return connection.askJson<StatsReport>({ method: 'GET', target: '/stats' });
}

/** `hotshard stats`. */
export async function printStats(options: ServiceOptions): Promise<number> {
  const stats = await readStats(new ServiceConnection(options.url));
  const text =
    options.json === true ? JSON.stringify(stats) : describeStats(stats, colorsFor(process.stdout));
  process.stdout.write(`${text}\n`);
  return 0;
}

/** The counters as lines for people. */
export function describeStats(stats: StatsReport, colors: Colors): string {
  const rows: readonly (readonly [string, string])[] = [
    ['version', `${stats.version}, up ${formatUptime(stats.uptimeSeconds)}`],
    ['transport', `${stats.transport}, threads ${stats.threads}`],
    ['connections', `${formatCount(stats.connections)}, WebSockets ${formatCount(stats.sockets)}`],
    [
      'reads',
      `${formatCount(stats.hits)} hits, ${formatCount(stats.misses)} misses, ` +
        `${formatShare(stats.hitRatio)} hit ratio`,
    ],
    ['writes', `${formatCount(stats.sets)} sets, ${formatCount(stats.deletes)} deletes`],
    [
      'removed',
      `${formatCount(stats.evictions)} evicted, ${formatCount(stats.expirations)} expired`,
    ],
    ['entries', `${formatCount(stats.items)} in ${formatCount(stats.shards.length)} shards`],
    ['memory', `${formatBytes(stats.bytes)} of ${formatBytes(stats.memoryBytes)}`],
  ];
  const lines = rows.map(([name, text]) => `${colors.bold(name.padEnd(12))}${text}`);
  const operations = Object.entries(stats.operations);
  if (operations.length > 0) lines.push('', colors.dim(operationHead()));
  for (const [name, report] of operations) {
    lines.push(
      [
        name.padEnd(18),
        formatCount(report.ok).padStart(12),
        formatCount(report.refused + report.failed).padStart(10),
        ...[report.p50Ms, report.p90Ms, report.p99Ms].map((ms) => formatMs(ms).padStart(11)),
      ].join(''),
    );
  }
  return lines.join('\n');
}

function operationHead(): string {
  const columns = ['ok'.padStart(12), 'not ok'.padStart(10)];
  const quantiles = ['p50', 'p90', 'p99'].map((name) => name.padStart(11));
  return ['operation'.padEnd(18), ...columns, ...quantiles].join('');
}
