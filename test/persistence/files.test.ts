/** The file as a file: who may read it, where it may lie, what is left of failed attempts. */
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { attachEngine, createEngine, type Engine, type PersistenceEvent } from '../../src/index.js';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js';
import { listen } from './persistence-events.js';

const FAILED = { code: 'ERR_CACHE_CHECKPOINT_FAILED', retryable: true };
let folder: TemporaryFolder;
let events: PersistenceEvent[];
let stopListening: () => void;

beforeEach(() => {
  folder = temporaryFolder();
  ({ events, stop: stopListening } = listen());
  vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
});

afterEach(() => {
  stopListening();
  vi.restoreAllMocks();
  folder[Symbol.dispose]();
});

function open(path: string): Promise<Engine> {
  return createEngine({ memory: '8mb', workers: 0, persistence: { kind: 'file', path } });
}

async function writeFile(path: string): Promise<void> {
  await using engine = await open(path);
  await engine.set('key', 'value');
}

test('only its user may read or write the file, whatever the umask', async () => {
  const path = folder.path('entries');
  const before = process.umask(0);
  try {
    await writeFile(path);
  } finally {
    process.umask(before);
  }
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder.path(''))).toEqual(['entries']);
});

test('a file with another mode is replaced by a private one', async () => {
  const path = folder.path('entries');
  await writeFile(path);
  chmodSync(path, 0o644);
  await using engine = await open(path);
  expect(engine.get('key')).toBe('value');
  await engine.checkpoint();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('a file that others may write to is not loaded', async () => {
  const path = folder.path('entries');
  await writeFile(path);
  chmodSync(path, 0o666);
  await using engine = await open(path);
  expect(engine.get('key')).toBeUndefined();
  expect(events.at(-1)).toMatchObject({
    kind: 'ignored',
    reason: expect.stringMatching('other users'),
  });
});

test('a symbolic link is refused, for reading and for writing, and left as it is', async () => {
  const target = folder.path('target');
  const path = folder.path('link');
  await writeFile(target);
  const before = readFileSync(target);
  symlinkSync(target, path);
  const engine = await open(path);
  expect(engine.get('key')).toBeUndefined();
  expect(events.at(-1)).toMatchObject({ kind: 'ignored', reason: 'it is a symbolic link' });
  await expect(engine.checkpoint()).rejects.toMatchObject(FAILED);
  await expect(engine.checkpoint()).rejects.toThrow(/symbolic link/);
  await engine.close();
  expect(events.at(-1)).toMatchObject({ kind: 'write-failed' });
  expect(Buffer.compare(readFileSync(target), before)).toBe(0);
  unlinkSync(path);
  symlinkSync(folder.path('nowhere'), path);
  await using dangling = await open(path);
  await expect(dangling.checkpoint()).rejects.toMatchObject(FAILED);
  expect(existsSync(folder.path('nowhere'))).toBe(false);
});

test('a file that is no checkpoint is not replaced by one', async () => {
  const path = folder.path('thesis.txt');
  writeFileSync(path, 'all of it');
  const engine = await open(path);
  await engine.set('key', 'value');
  await expect(engine.checkpoint()).rejects.toThrow(/no checkpoint of this library/);
  await engine.close();
  expect(events.at(-1)).toMatchObject({ kind: 'write-failed' });
  expect(readFileSync(path, 'utf8')).toBe('all of it');
  expect(readdirSync(folder.path(''))).toEqual(['thesis.txt']);
});

test('a start that fails for want of memory leaves a clean file clean', async () => {
  const path = folder.path('entries');
  await writeFile(path);
  const spy = vi.spyOn(WebAssembly, 'Memory').mockImplementationOnce(() => {
    throw new RangeError('could not allocate memory');
  });
  await expect(open(path)).rejects.toThrow(/allocate/);
  spy.mockRestore();
  await using engine = await open(path);
  expect(engine.loaded).toMatchObject({ state: 'fresh', entries: 1 });
});

test('a second name of the file, and what is no file, are refused', async () => {
  const path = folder.path('entries');
  await writeFile(path);
  linkSync(path, folder.path('second name'));
  const linked = await open(path);
  expect(linked.get('key')).toBeUndefined();
  await linked.close();
  mkdirSync(folder.path('directory'));
  await using directory = await open(folder.path('directory'));
  expect(events.at(-1)).toMatchObject({ kind: 'ignored', reason: 'it is no regular file' });
  await expect(directory.checkpoint()).rejects.toMatchObject(FAILED);
});

test('a folder that everybody may write to is refused, one with the sticky bit is not', async () => {
  const open777 = folder.path('open');
  mkdirSync(open777);
  chmodSync(open777, 0o777);
  const engine = await open(`${open777}/entries`);
  await engine.set('key', 'value');
  await expect(engine.checkpoint()).rejects.toThrow(/everybody may write/);
  chmodSync(open777, 0o1777);
  expect(await engine.checkpoint()).toMatchObject({ entries: 1 });
  await engine.close();
  chmodSync(open777, 0o777);
  await using second = await open(`${open777}/entries`);
  expect(second.get('key')).toBeUndefined();
  expect(events.at(-1)).toMatchObject({ kind: 'ignored' });
});

test('a folder that is not there: the engine works, checkpoints fail, close does not', async () => {
  const engine = await open(folder.path('no/such/folder/entries'));
  await engine.set('key', 'value');
  await expect(engine.checkpoint()).rejects.toMatchObject(FAILED);
  await engine.close();
  expect(events.map(({ kind }) => kind)).toEqual(['write-failed', 'write-failed']);
});

test('the file before a failed checkpoint stays, and no draft is left', async () => {
  const path = folder.path('entries');
  await writeFile(path);
  const engine = await open(path);
  const before = readFileSync(path);
  // The name of the file is taken by a folder at the last moment.
  const failing = engine.checkpoint();
  unlinkSync(path);
  mkdirSync(path);
  await expect(failing).rejects.toMatchObject(FAILED);
  expect(readdirSync(folder.path(''))).toEqual(['entries']);
  await engine.close();
  expect(before.length).toBeGreaterThan(0);
});

test('drafts of processes that are gone are removed, those of others are not', async () => {
  const path = folder.path('entries');
  const gone = `${path}.4194999-0123456789ab.tmp`;
  const running = `${path}.${process.ppid}-0123456789ab.tmp`;
  const other = `${path}.notes.tmp`;
  for (const name of [gone, running, other]) writeFileSync(name, 'x');
  await using engine = await open(path);
  expect(engine.loaded).toBeUndefined();
  expect([gone, running, other].map((name) => existsSync(name))).toEqual([false, true, true]);
});

test('only the creating thread of an engine with a file can write one', async () => {
  const refused = { code: 'ERR_CACHE_INVALID_OPTIONS' };
  await using engine = await open(folder.path('entries'));
  await using attached = attachEngine(engine.handle());
  await expect(attached.checkpoint()).rejects.toMatchObject(refused);
  await using without = await createEngine({ memory: '8mb', workers: 0 });
  await expect(without.checkpoint()).rejects.toMatchObject(refused);
  await without.close();
  await expect(without.checkpoint()).rejects.toMatchObject({ code: 'ERR_CACHE_CLOSED' });
});

test('checkpoints that are asked for at once are written one after the other', async () => {
  const path = folder.path('entries');
  const engine = await open(path);
  await engine.set('key', 1);
  const reports = [engine.checkpoint(), engine.checkpoint()];
  await engine.set('second', 2);
  reports.push(engine.checkpoint());
  const closing = engine.close();
  const entries = (await Promise.all(reports)).map((report) => report.entries);
  expect(entries.at(-1)).toBe(2);
  await closing;
  await using again = await open(path);
  expect(again.loaded).toMatchObject({ state: 'fresh', entries: 2 });
});
