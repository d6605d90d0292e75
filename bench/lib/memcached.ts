import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { userInfo } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { MemoryOutcome } from '../children/memory.js';
import { connectTo, freePort, startProgram } from './process.js';
import { benchKey, createWorkload, fold, VALUE_BYTES, type Workload } from './workload.js';

const FILL_BATCH_SETS = 1000;
const SAMPLE_COUNT = 1000;
const TTL_SECONDS = 3600;
const MEMORY_MEGABYTES = 1024;
const POLL_MS = 20;

/** Resident memory of a process, as the system counts it. */
function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) {
    throw new Error(`no resident memory in /proc/${pid}/status`);
  }
  return Number(kibibytes) * 1024;
}

/** Sends a command and resolves to its whole answer, `end` included. */
async function ask(socket: Socket, command: string, end: RegExp): Promise<string> {
  let answer = '';
  const arrived = new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      if (end.test(answer)) {
        socket.off('data', onData);
        socket.off('error', reject);
        resolve();
      }
    };
    socket.on('data', onData);
    socket.once('error', reject);
  });
  socket.write(command);
  await arrived;
  return answer;
}

async function fill(socket: Socket, entryCount: number, workload: Workload): Promise<void> {
  const { texts, valueMask } = workload;
  for (let start = 0; start < entryCount; start += FILL_BATCH_SETS) {
    let batch = '';
    for (let index = start; index < Math.min(start + FILL_BATCH_SETS, entryCount); index++) {
      batch += `set ${benchKey(index)} 0 ${TTL_SECONDS} ${VALUE_BYTES} noreply\r\n`;
      batch += `${texts[index & valueMask]}\r\n`;
    }
    if (!socket.write(batch, 'latin1')) {
      await once(socket, 'drain');
    }
  }
  // Commands of one connection are answered in order: then all sets are done.
  await ask(socket, 'version\r\n', /VERSION .*\r\n$/);
}

async function readStats(socket: Socket): Promise<Map<string, string>> {
  const answer = await ask(socket, 'stats\r\n', /END\r\n$/);
  return new Map(
    [...answer.matchAll(/^STAT (\S+) (.*?)\r$/gm)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  );
}

/** Its index grows in the background: the figure counts when that has come to rest. */
async function whenSettled(socket: Socket): Promise<number> {
  for (;;) {
    const stats = await readStats(socket);
    if (stats.get('hash_is_expanding') === '0') {
      return Number(stats.get('curr_items'));
    }
    await delay(POLL_MS);
  }
}

async function readSamples(socket: Socket, entryCount: number, workload: Workload) {
  const stride = Math.max(1, Math.floor(entryCount / SAMPLE_COUNT));
  let hash = 0;
  for (let index = 0; index < entryCount; index += stride) {
    const answer = await ask(socket, `get ${benchKey(index)}\r\n`, /END\r\n$/);
    const found = answer.split('\r\n')[1];
    if (found !== workload.texts[index & workload.valueMask]) {
      throw new Error(`memcached: entry ${index} holds ${found}`);
    }
    hash = fold(hash, found?.charCodeAt(0) ?? 0);
  }
  return hash;
}

/** Fills a memcached of its own over TCP; resolves to what that added to its resident memory. */
export async function measureMemcached(entryCount: number, seed: number): Promise<MemoryOutcome> {
  const workload = createWorkload(0, seed);
  const port = await freePort();
  const program = startProgram({
    command: 'memcached',
    args: ['-l', '127.0.0.1', '-p', String(port), '-U', '0', '-m', String(MEMORY_MEGABYTES)].concat(
      // It refuses to run as root unless told so by name.
      process.getuid?.() === 0 ? ['-u', userInfo().username] : [],
    ),
  });
  const { pid, stdout, stderr } = program.child;
  stdout?.resume();
  stderr?.resume();
  try {
    const socket = await connectTo(port);
    if (pid === undefined || program.child.exitCode !== null) {
      throw new Error('memcached did not start');
    }
    const beforeBytes = residentBytes(pid);
    await fill(socket, entryCount, workload);
    const itemCount = await whenSettled(socket);
    const addedBytes = residentBytes(pid) - beforeBytes;
    if (itemCount !== entryCount) {
      throw new Error(`memcached holds ${itemCount} of ${entryCount} entries`);
    }
    const hash = await readSamples(socket, entryCount, workload);
    socket.destroy();
    return { addedBytes, hash };
  } finally {
    await program.stop();
  }
}
