import { spawn } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { putValue, startCacheServer } from './lib/cache-server.js';
import { loadFully, loadToolName } from './lib/http-load.js';
import { REPOSITORY_ROOT } from './lib/machine.js';
import { createWorkload } from './lib/workload.js';

const FOLDER = join(REPOSITORY_ROOT, '.profile');
const CONNECTIONS = 32;
const SECONDS_DEFAULT = 5;
/** Node numbers the threads of a process in its profile files; the first serves HTTP. */
const PROFILE_FILE = /^CPU\.\d+\.\d+\.\d+\.(\d+)\.\d+\.cpuprofile$/;

function readSeconds(): number {
  const { values } = parseArgs({ options: { seconds: { type: 'string' } } });
  const seconds = Number(values.seconds ?? SECONDS_DEFAULT);
  if (!Number.isInteger(seconds) || seconds < 1) {
    throw new RangeError(`--seconds must be a whole number of at least 1, not ${values.seconds}`);
  }
  return seconds;
}

/**
 * Runs the server under load while V8 samples every thread of it. V8's own profile is taken
 * rather than one that 0x collects, because 0x reads the log of a single thread and ends the
 * server before it has drained.
 */
async function profileServer(folder: string, seconds: number): Promise<void> {
  const server = await startCacheServer('uws', ['--cpu-prof', `--cpu-prof-dir=${folder}`]);
  const url = `${server.url}/cache/profile`;
  await putValue(url, createWorkload(0, 1).values[0] as Buffer);
  const { requestsPerSecond } = await loadFully({ url, connections: CONNECTIONS, seconds });
  const code = await server.stop();
  if (code !== 0) {
    throw new Error(`the server ended with code ${code}`);
  }
  process.stdout.write(
    `${Math.round(requestsPerSecond)} req/s by ${loadToolName()}, slower than unprofiled\n`,
  );
}

/** Draws one thread's profile as a flame graph: a page that needs no server and no network. */
function renderFlamegraph(profile: string, html: string, title: string): Promise<void> {
  const command = createRequire(import.meta.url).resolve('0x/cmd.js');
  const words = ['--visualize-cpu-profile', profile, '--output-html', html, '--title', title];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command, '--quiet', ...words], {
      cwd: FOLDER,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`0x ended with code ${code}`)),
    );
  });
}

async function main(): Promise<void> {
  const seconds = readSeconds();
  const folder = join(FOLDER, 'cpu');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await profileServer(folder, seconds);
  for (const file of (await readdir(folder)).sort()) {
    const threadIndex = PROFILE_FILE.exec(file)?.[1];
    if (threadIndex === undefined) {
      continue;
    }
    const name = threadIndex === '0' ? 'http-thread' : `worker-thread-${threadIndex}`;
    const html = join(FOLDER, `${name}.html`);
    await renderFlamegraph(join(folder, file), html, `hotshard server: ${name}`);
    process.stdout.write(`${html}\n`);
  }
}

await main();
