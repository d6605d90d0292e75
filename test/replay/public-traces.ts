import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const repositoryRoot = fileURLToPath(new URL('../../', import.meta.url));

/** Folder of the public traces: HOTSHARD_TRACES, seen from the repository, else beside it. */
const tracesFolder = resolve(repositoryRoot, process.env['HOTSHARD_TRACES'] ?? '../shared/traces');

/** What is known of a public trace. */
export interface ExpectedTrace {
  readonly file: string;
  readonly requests: number;
  readonly uniqueKeys: number;
  /** Hits of an exact LRU by its number of entries. */
  readonly lruHits: ReadonlyMap<number, number>;
}

/** Misses of an exact LRU over a trace with sizes, by the bytes of the cache. */
export interface ExpectedByteMisses {
  readonly file: string;
  readonly requests: number;
  readonly cacheBytes: readonly number[];
  readonly missCounts: readonly number[];
}

export interface PublicTraces {
  readonly traces: readonly ExpectedTrace[];
  readonly byteMisses: ExpectedByteMisses;
}

interface ExpectedFile {
  readonly traces: Record<
    string,
    { requests: number; unique_keys: number; lru_exact_hits: Record<string, number> }
  >;
  readonly byte_sized_golden: {
    trace: string;
    requests: number;
    cache_bytes: number[];
    expected_misses: { LRU: { miss_count: number[] } };
  };
}

/** Path of a public trace. */
export function tracePath(file: string): string {
  return join(tracesFolder, file);
}

/** False for a trace that is compressed by a program which this machine does not have. */
export function isReadable(file: string): boolean {
  const command = file.endsWith('.xz') ? 'xz' : file.endsWith('.zst') ? 'zstd' : undefined;
  return command === undefined || spawnSync(command, ['--version']).status === 0;
}

/** The traces and their exact hits; undefined where they are not at hand. */
export function findPublicTraces(): PublicTraces | undefined {
  const path = join(tracesFolder, 'expected-hit-ratios.json');
  if (!existsSync(path)) return undefined;
  const expected = JSON.parse(readFileSync(path, 'utf8')) as ExpectedFile;
  const golden = expected.byte_sized_golden;
  return {
    traces: Object.entries(expected.traces).map(([file, trace]) => ({
      file,
      requests: trace.requests,
      uniqueKeys: trace.unique_keys,
      lruHits: new Map(
        Object.entries(trace.lru_exact_hits).map(([entries, hits]) => [Number(entries), hits]),
      ),
    })),
    byteMisses: {
      file: golden.trace,
      requests: golden.requests,
      cacheBytes: golden.cache_bytes,
      missCounts: golden.expected_misses.LRU.miss_count,
    },
  };
}
