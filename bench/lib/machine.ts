import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Where a report was made. */
export interface Machine {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  /** Short commit, with `-dirty` when the tree differs from it; `unknown` outside a repository. */
  readonly commit: string;
}

/** The root of the repository, seen from the compiled benchmarks in `dist/bench/lib`. */
export const REPOSITORY_ROOT: string = fileURLToPath(new URL('../../../', import.meta.url));

function git(...words: string[]): string | undefined {
  try {
    return execFileSync('git', words, {
      cwd: REPOSITORY_ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    // No git, no repository or no commit yet: a benchmark runs all the same.
    return undefined;
  }
}

function readCommit(): string {
  const commit = git('rev-parse', '--short', 'HEAD');
  if (commit === undefined) {
    return 'unknown';
  }
  return git('status', '--porcelain') === '' ? commit : `${commit}-dirty`;
}

/** Describes this machine and the tree that is being measured. */
export function describeMachine(): Machine {
  return {
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${platform()} ${release()}`,
    commit: readCommit(),
  };
}
