/** `keys` and `invalidate`: many entries of a running service at once. */
import { once } from 'node:events';
import type { StatsReport } from '../observability/stats-report.js';
import { CommandError } from './command-error.js';
import { ProgressBar, withProgress } from './progress-bar.js';
import { formatCount } from './quantities.js';
import { withClient } from './service-client.js';
import { checkUrl, isSuccess, ServiceConnection } from './service-connection.js';
import type { ServiceOptions } from './service-options.js';
import { oneLine } from './terminal-text.js';

const PAGE_KEYS = 1_000;

export interface KeysOptions extends ServiceOptions {
  readonly namespace: string;
  readonly prefix?: string;
  readonly pattern?: string;
  readonly limit?: string;
}

export interface InvalidateOptions extends ServiceOptions {
  readonly namespace: string;
  readonly prefix?: string;
  readonly pattern?: string;
  readonly tag?: string;
  readonly all?: true;
}

interface KeyPage {
  readonly keys: readonly string[];
  readonly cursor: string | null;
}

/** `hotshard keys`: one key a line; with `--json` as JSON strings, one a line. */
export async function listKeys(options: KeysOptions): Promise<number> {
  const connection = new ServiceConnection(options.url);
  const limit = readLimit(options.limit);
  const { prefix, pattern, namespace } = options;
  if (prefix !== undefined && pattern !== undefined) {
    throw new CommandError('--prefix and --pattern exclude each other', 2);
  }
  const show = options.json === true ? JSON.stringify : oneLine;
  // On a terminal the keys themselves show how far it is.
  const progress = process.stdout.isTTY ? undefined : new ProgressBar(process.stderr, 'listing');
  const total = progress === undefined ? undefined : await countItems(connection);
  let listed = 0;
  let cursor: string | null = null;
  try {
    do {
      const wanted = Math.min(PAGE_KEYS, limit - listed);
      const target = targetOf({
        limit: String(wanted),
        ...(cursor !== null && { cursor }),
        ...(prefix !== undefined && { prefix }),
        ...(pattern !== undefined && { pattern }),
        ...(namespace !== '' && { namespace }),
      });
      const page: KeyPage = await connection.askJson<KeyPage>({ method: 'GET', target });
      await write(page.keys.map((key) => `${show(key)}\n`).join(''));
      listed += page.keys.length;
      cursor = page.cursor;
      progress?.update(total === undefined ? undefined : listed / total, formatCount(listed));
    } while (cursor !== null && listed < limit);
  } finally {
    progress?.end();
  }
  return 0;
}

/** How many entries there are, for a bar that nobody misses: `undefined` when it is not told. */
async function countItems(connection: ServiceConnection): Promise<number | undefined> {
  if (process.stderr.isTTY !== true) return undefined;
  const answer = await connection.ask({ method: 'GET', target: '/stats' });
  if (!isSuccess(answer)) return undefined;
  return (JSON.parse(answer.body.toString()) as StatsReport).items;
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (!/^[1-9][0-9]{0,14}$/.test(text)) {
    throw new CommandError('--limit: must be a whole number from 1 on', 2);
  }
  return Number(text);
}

function targetOf(parameters: Readonly<Record<string, string>>): string {
  return `/cache?${new URLSearchParams(parameters).toString().replaceAll('+', '%20')}`;
}

/** A reader that is slow makes the writer wait. */
async function write(text: string): Promise<void> {
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** `hotshard invalidate`: removes what a prefix, a pattern or a tag names; prints how many. */
export async function invalidate(options: InvalidateOptions): Promise<number> {
  const { prefix, pattern, tag, all, namespace } = options;
  if ([prefix, pattern, tag, all].filter((selector) => selector !== undefined).length !== 1) {
    throw new CommandError('give one of --prefix, --pattern, --tag and --all', 2);
  }
  if (pattern !== undefined && /^\*+$/.test(pattern)) {
    throw new CommandError('--pattern: that is every entry; say --all if it is meant', 2);
  }
  checkUrl(options.url);
  const target =
    prefix !== undefined
      ? { prefix }
      : tag !== undefined
        ? { tag }
        : // The service wants it confirmed that every entry is meant.
          { glob: pattern ?? '*', ...(all === true && { confirm: true }) };
  const work = withClient(options.url, namespace, (client) => client.invalidate(target));
  const deleted = await withProgress(process.stderr, 'invalidating', work);
  process.stdout.write(options.json === true ? `${JSON.stringify({ deleted })}\n` : `${deleted}\n`);
  return 0;
}
