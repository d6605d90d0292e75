import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../dist/bench/replay/main.js', import.meta.url));
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotshard-command-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built program as npm does: elsewhere, with the caller's folder in INIT_CWD. */
async function run(...argv: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [PROGRAM, ...argv], {
    env: { ...process.env, INIT_CWD: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await once(child, 'close');
  return { exitCode: child.exitCode, stdout, stderr };
}

function shownRatio(text: string, label: string): number {
  return Number(new RegExp(`^${label} +(\\d+\\.\\d+) %`, 'm').exec(text)?.[1]);
}

test('help and mistakes need no engine', async () => {
  const help = await run('--help');
  expect(help).toMatchObject({ exitCode: 0, stderr: '' });
  expect(help.stdout).toContain('npm run replay -- FILE');
  const mistaken = await run('--memroy', '1');
  expect(mistaken).toMatchObject({ exitCode: 2, stdout: '' });
  expect(mistaken.stderr).toContain('did you mean --memory?');
});

test('a log through the engine, with the result as JSON beside the caller', async () => {
  const lines = Array.from(
    { length: 3_000 },
    (_, index) =>
      `::1 - - [1/Jan/2026:00:00:00 +0000] "GET /p${(index * index) % 401} HTTP/1.1" 200 90`,
  );
  writeFileSync(join(folder, 'access.log'), `${lines.join('\n')}\n`);
  const argv = ['--memory', '16mb', '--entries', '100', '--json', 'out.json'];
  const { exitCode, stdout } = await run('access.log', ...argv);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/format combined by content/);
  const difference = shownRatio(stdout, 'hit ratio') - shownRatio(stdout, 'exact LRU');
  expect(Math.abs(difference)).toBeLessThanOrEqual(0.3);
  const report: unknown = JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8'));
  expect(report).toMatchObject({ suite: 'replay', counts: { requests: 3_000 } });
});

test('a file that is not there ends the program with its name', async () => {
  const { exitCode, stderr } = await run('missing.log');
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/cannot read the trace: ENOENT.*missing\.log/);
  expect(stderr).not.toMatch(/ at .*\.js:/);
});

test('settings that the engine refuses are one message', async () => {
  const { exitCode, stderr } = await run('workload:zipf', '--memory', '8mb', '--shards', '64');
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^invalid options: shards: 64 .*\n$/);
});

test('--http starts a server, replays through it and stops it', async () => {
  const { exitCode, stdout, stderr } = await run('workload:zipf', '--http', '--limit', '3000');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^cache +server started at http:\/\/127\.0\.0\.1:\d+/m);
  const difference = shownRatio(stdout, 'hit ratio') - shownRatio(stdout, 'exact LRU');
  expect(Math.abs(difference)).toBeLessThanOrEqual(0.3);
});
