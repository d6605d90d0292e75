/**
 * The programs of `npm run stress`, each for a short while: what they would find in a long run they
 * may find here.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { seedFromEnvironment } from '../support/prng.js';
import { scale, scaled } from '../support/scale.js';

const MAIN = fileURLToPath(new URL('../../dist/bench/stress/main.js', import.meta.url));

/** On a machine that does other things as well. */
const WAIT_MS_MAX = 120_000;

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function runStress(...words: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    const child = spawn(process.execPath, ['--enable-source-maps', MAIN, ...words], {
      stdio: [...stdio],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString('utf8');
      });
    }
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

describe('stress programs', () => {
  test.each([
    [
      'R28: a chunk that two keys use in turn while stripe sequences wrap',
      'slot-reuse',
      'reads',
      600_000,
    ],
    [
      'R34: tiny rings and workers that pause lose and double no command',
      'ring',
      'commands',
      30_000,
    ],
    ['threads that die at any point lose no entry and no caller', 'recovery', 'kills', 10],
    ['mutated requests neither end, hang nor grow the server', 'http', 'requests', 6_000],
    ['no read is torn under writers, kills and page moves', 'torn', 'reads', 500_000],
  ])(
    '%s',
    async (_, program, option, count) => {
      const seed = String(seedFromEnvironment() >>> 1);
      const run = await runStress(program, `--${option}`, String(scaled(count)), '--seed', seed);
      expect(run.output).toContain('0 problems');
      expect(run.code, run.output).toBe(0);
      expect(run.output).toContain(`--seed ${seed}`);
    },
    WAIT_MS_MAX * Math.max(1, scale()),
  );

  test('a wrong program or option is refused with the names that there are', async () => {
    const wrong = await runStress('recover');
    expect(wrong).toMatchObject({ code: 2, output: expect.stringContaining('recovery, torn') });
    const option = await runStress('torn', '--reads', 'many');
    expect(option).toMatchObject({ code: 2, output: expect.stringContaining('--reads must be') });
    expect(await runStress('--help')).toMatchObject({ code: 0 });
  });
});
