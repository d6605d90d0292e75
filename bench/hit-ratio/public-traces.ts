import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json: this file runs from its source and from what it is compiled to. */
function findRepository(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) {
    folder = dirname(folder);
  }
  return folder;
}

export const repositoryRoot: string = findRepository();

/** Folder of the public traces: HOTSHARD_TRACES, seen from the repository, else beside it. */
const tracesFolder = resolve(repositoryRoot, process.env['HOTSHARD_TRACES'] ?? '../shared/traces');

/** What is known of a public trace. */
export interface ExpectedTrace {
  readonly file: string;
  readonly requests: number;
  readonly uniqueKeys: number;
  /** Hits of an exact LRU by its number of entries. */
  readonly lruHits: ReadonlyMap<number, number>;
  /** Hit ratios in per cent by libCacheSim's name of the policy, then by number of entries. */
  readonly libCacheSim: ReadonlyMap<string, ReadonlyMap<number, number>>;
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
    {
      requests: number;
      unique_keys: number;
      lru_exact_hits: Record<string, number>;
      libCacheSim_hit_ratio_pct: Record<string, Record<string, number>>;
    }
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

/** The program that a trace is decompressed by; undefined where Node.js can do it itself. */
export function decompressorOf(file: string): string | undefined {
  return file.endsWith('.xz') ? 'xz' : file.endsWith('.zst') ? 'zstd' : undefined;
}

/** False for a trace that is compressed by a program which this machine does not have. */
export function isReadable(file: string): boolean {
  const command = decompressorOf(file);
  return command === undefined || spawnSync(command, ['--version']).status === 0;
}

function byEntries(figures: Record<string, number>): ReadonlyMap<number, number> {
  return new Map(Object.entries(figures).map(([entries, figure]) => [Number(entries), figure]));
}

/** The traces and what is known of them; undefined where they are not at hand. */
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
      lruHits: byEntries(trace.lru_exact_hits),
      libCacheSim: new Map(
        Object.entries(trace.libCacheSim_hit_ratio_pct).map(([policy, figures]) => [
          policy,
          byEntries(figures),
        ]),
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
