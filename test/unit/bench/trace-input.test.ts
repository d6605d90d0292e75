import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openTrace } from '../../../bench/replay/trace-input.js';
import { createTraceSource } from '../../../bench/replay/trace-source.js';

const PLAIN = Array.from({ length: 40_000 }, (_, index) => `key:${index % 977}`).join('\n');
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotshard-trace-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function readAll(path: string): Promise<string> {
  const input = await openTrace(path);
  const chunks: Buffer[] = [];
  for await (const chunk of input.chunks) chunks.push(chunk);
  expect(input.readBytes()).toBe(input.sizeBytes);
  return Buffer.concat(chunks).toString();
}

/** The text compressed by the program; undefined where the machine does not have it. */
function compress(command: string): Buffer | undefined {
  const { status, stdout } = spawnSync(command, ['-c'], {
    input: PLAIN,
    maxBuffer: PLAIN.length * 2,
  });
  return status === 0 ? stdout : undefined;
}

test('a plain file comes as it is, with its first lines as a sample', async () => {
  const path = write('plain', PLAIN);
  expect(await readAll(path)).toBe(PLAIN);
  const input = await openTrace(path);
  expect(input.sample).toMatchObject({ isText: true });
  expect(input.sample.lines[0]).toBe('key:0');
  expect(input.sample.bytes.length).toBe(64 * 1024);
  await input.close();
});

test('gzip is recognised by its content, also in several members', async () => {
  expect(await readAll(write('renamed.log', gzipSync(PLAIN)))).toBe(PLAIN);
  const members = Buffer.concat([gzipSync('a\n'), gzipSync('b\n')]);
  expect(await readAll(write('members.gz', members))).toBe('a\nb\n');
});

const tools = ['xz', 'zstd'].map((command) => ({ command, compressed: compress(command) }));

describe.each(tools)('$command', ({ command, compressed }) => {
  const magic = Buffer.from(command === 'xz' ? 'fd377a585a00' : '28b52ffd', 'hex');

  test('is read by the program, or the missing program is named', async () => {
    const reading = readAll(write(`file.${command}`, compressed ?? magic));
    if (compressed === undefined) await expect(reading).rejects.toThrow(/is not on the PATH/);
    else expect(await reading).toBe(PLAIN);
  });

  test('without the program the error says what to install', async () => {
    vi.stubEnv('PATH', folder);
    try {
      await expect(openTrace(write(`none.${command}`, magic))).rejects.toThrow(
        new RegExp(`"${command}" is not on the PATH: install it`),
      );
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('damaged data is an error that names the file', async () => {
    const damaged = compressed?.subarray(0, compressed.length - 20) ?? magic;
    await expect(readAll(write(`damaged.${command}`, damaged))).rejects.toThrow(
      new RegExp(`damaged\\.${command}`),
    );
  });

  test('reading may end early', async () => {
    const path = write(`early.${command}`, compressed ?? gzipSync(PLAIN));
    for (let round = 0; round < 3; round += 1) {
      const input = await openTrace(path);
      await input.close();
      await input.close();
    }
  });
});

test('a damaged gzip file, an empty one, a missing one and a folder are errors', async () => {
  const damaged = gzipSync(PLAIN).subarray(0, 2_000);
  await expect(readAll(write('cut.gz', damaged))).rejects.toThrow(/cut\.gz: the gzip data/);
  await expect(openTrace(write('empty', ''))).rejects.toThrow(/is empty/);
  await expect(openTrace(write('empty.gz', gzipSync('')))).rejects.toThrow(/is empty/);
  await expect(openTrace(join(folder, 'missing'))).rejects.toThrow(/cannot read the trace: ENOENT/);
  await expect(openTrace(folder)).rejects.toThrow(/cannot read the trace: EISDIR/);
});

describe('a source', () => {
  const settings = { formatName: undefined, keyColumn: undefined, requestsMax: undefined };

  async function countRecords(path: string, requestsMax: number | undefined): Promise<number> {
    const source = await createTraceSource(path, { ...settings, requestsMax });
    const pass = await source.openPass();
    let count = 0;
    for await (const batch of pass.batches) count += batch.length;
    await pass.close();
    expect(pass.fraction()).toBeGreaterThan(0.99);
    expect(pass.tally.records).toBe(count);
    return count;
  }

  test('gives the same requests at every pass, and no more than the limit', async () => {
    const path = write('keys.txt.gz', gzipSync(PLAIN));
    expect(await countRecords(path, undefined)).toBe(40_000);
    expect(await countRecords(path, undefined)).toBe(40_000);
    for (const limit of [1, 1_023, 1_024, 1_025])
      expect(await countRecords(path, limit)).toBe(limit);
    expect(await countRecords('workload:zipf', 10)).toBe(10);
  });

  test('names the file when its header does not fit', async () => {
    const path = write('odd.csv', 'time,who\n1,2\n');
    await expect(countRecords(path, undefined)).rejects.toThrow(`${path}: line 1: no column`);
  });

  test('refuses a column for a format without columns, and an unknown workload', async () => {
    const path = write('keys', PLAIN);
    const reading = createTraceSource(path, { ...settings, keyColumn: 'key' });
    await expect(reading).rejects.toThrow(/--column needs the format csv/);
    await expect(createTraceSource('workload:zip', settings)).rejects.toThrow(/"zipf"/);
  });
});
