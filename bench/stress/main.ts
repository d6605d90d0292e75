// `npm run stress -- PROGRAM [options]`; without a program the stress tests are run, at length.

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { httpProgram } from './programs/http.js';
import type { StressProgram } from './programs/program.js';
import { recoveryProgram } from './programs/recovery.js';
import { ringProgram } from './programs/ring.js';
import { slotReuseProgram } from './programs/slot-reuse.js';
import { tornProgram } from './programs/torn.js';

const PROGRAMS: readonly StressProgram[] = [
  recoveryProgram,
  tornProgram,
  slotReuseProgram,
  ringProgram,
  httpProgram,
];
const MEMORY = '64mb';
const SCALE = '20';
const EXIT_USAGE = 2;
const PROBLEMS_PRINTED_MAX = 20;

function usage(): string {
  const lines = PROGRAMS.map(({ name, summary, counts }) => {
    const options = Object.entries(counts).map(([option, count]) => `--${option} ${count}`);
    return `  ${name.padEnd(10)}${summary}\n  ${' '.repeat(10)}${options.join(' ')}`;
  });
  return [
    'npm run stress                      the tests of test/stress and test/interleave, at length',
    'npm run stress -- PROGRAM [options] one program; it ends with code 1 when it finds a problem',
    '',
    ...lines,
    '',
    `  --seed N    random choices; printed, a new one unless given`,
    `  --memory M  of the engine; ${MEMORY} unless given`,
  ].join('\n');
}

function readCount(name: string, text: unknown, least: number, standard: number): number {
  if (text === undefined) return standard;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`--${name} must be a whole number of at least ${least}, not "${text}"`);
}

async function runProgram(program: StressProgram, words: readonly string[]): Promise<boolean> {
  const names = ['seed', 'memory', ...Object.keys(program.counts)];
  const { values } = parseArgs({
    args: [...words],
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
  });
  const seed = readCount('seed', values['seed'], 0, Math.floor(Math.random() * 2 ** 31));
  const counts = Object.fromEntries(
    Object.entries(program.counts).map(([name, standard]) => [
      name,
      readCount(name, values[name], 1, standard),
    ]),
  );
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  print(`stress ${program.name} ${JSON.stringify(counts)} --seed ${seed}`);
  const startMs = performance.now();
  const problems = await program.run({
    seed,
    memory: String(values['memory'] ?? MEMORY),
    counts,
    print,
    log: (line) => void process.stderr.write(`${line}\n`),
  });
  for (const problem of problems.slice(0, PROBLEMS_PRINTED_MAX)) print(`PROBLEM ${problem}`);
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
  print(`${problems.length} problems, ${seconds} s, --seed ${seed}`);
  return problems.length === 0;
}

/** The stress tests, twenty times as long as in the test run unless the environment says else. */
function runTests(words: readonly string[]): Promise<number> {
  const require = createRequire(import.meta.url);
  const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs');
  const folders = ['test/stress', 'test/interleave'];
  const args = ['run', '--config', '.vitest.config.mjs', '--passWithNoTests', ...folders, ...words];
  const env = { ...process.env };
  env['HOTSHARD_TEST_SCALE'] ||= SCALE;
  const child = spawn(process.execPath, [vitest, ...args], { stdio: 'inherit', env });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

async function main([name, ...words]: readonly string[]): Promise<number> {
  if (name === undefined) return runTests(words);
  if (name === '--help' || name === '-h') {
    process.stdout.write(`${usage()}\n`);
    return 0;
  }
  const program = PROGRAMS.find((each) => each.name === name);
  if (program === undefined) {
    const names = PROGRAMS.map((each) => each.name).join(', ');
    throw new RangeError(`no program "${name}"; there are ${names}`);
  }
  return (await runProgram(program, words)) ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof RangeError || error instanceof TypeError;
  process.stderr.write(`${isUsage ? error.message : ((error as Error).stack ?? error)}\n`);
  process.exitCode = isUsage ? EXIT_USAGE : 1;
}
