import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const PRIVATE_MODE = 0o600;
const WRITABLE_BY_OTHERS = 0o022;
const WORLD_WRITABLE = 0o002;
const STICKY = 0o1000;
const RANDOM_BYTES = 6;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** A path that is not used, and why: completes "it …". */
export class RefusedFileError extends Error {
  override readonly name: string = 'RefusedFileError';

  constructor(problem: string) {
    super(`it ${problem}`);
  }
}

/** The user of this process; undefined where the system has no such thing. */
const userId: number | undefined = process.getuid?.();

function isForeign(stats: Stats): boolean {
  return userId !== undefined && stats.uid !== userId;
}

/**
 * Refuses a folder in which others could put a file of theirs in the place of ours.
 *
 * @throws {RefusedFileError}
 */
async function checkFolder(path: string): Promise<void> {
  const folder = dirname(path);
  const stats = await stat(folder);
  if (!stats.isDirectory())
    throw new RefusedFileError(`is to lie in ${folder}, which is no folder`);
  // A folder of the system administrator is as safe as the system.
  if (isForeign(stats) && stats.uid !== 0) {
    throw new RefusedFileError(`is to lie in ${folder}, which belongs to another user`);
  }
  if ((stats.mode & WORLD_WRITABLE) !== 0 && (stats.mode & STICKY) === 0) {
    throw new RefusedFileError(`is to lie in ${folder}, which everybody may write to`);
  }
}

function checkFile(stats: Stats): void {
  if (stats.isSymbolicLink()) throw new RefusedFileError('is a symbolic link');
  if (!stats.isFile()) throw new RefusedFileError('is no regular file');
  if (isForeign(stats)) throw new RefusedFileError('belongs to another user');
  if (stats.nlink > 1) throw new RefusedFileError('has a second name (hard link)');
}

async function statLink(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Opens the file for reading, and for writing where that is allowed; undefined when there is none.
 *
 * @throws {RefusedFileError}
 */
export async function openPrivate(path: string): Promise<FileHandle | undefined> {
  const seen = await statLink(path);
  if (seen === undefined) return undefined;
  await checkFolder(path);
  checkFile(seen);
  let file: FileHandle;
  try {
    file = await open(path, O_RDWR | O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    file = await open(path, O_RDONLY | O_NOFOLLOW);
  }
  try {
    const stats = await file.stat();
    checkFile(stats);
    if ((stats.mode & WRITABLE_BY_OTHERS) !== 0) {
      throw new RefusedFileError('may be written to by other users');
    }
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The first bytes of a file, fewer where it is shorter; empty when there is none. */
export async function readHead(path: string, headBytes: number): Promise<Buffer> {
  if ((await statLink(path)) === undefined) return Buffer.alloc(0);
  const file = await open(path, O_RDONLY | O_NOFOLLOW);
  try {
    const head = Buffer.alloc(headBytes);
    const { bytesRead } = await file.read(head, 0, headBytes, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** A file under a temporary name beside `path`, which takes its place when it is complete. */
export interface DraftFile {
  readonly file: FileHandle;
  /** Makes it durable under its final name. */
  publish(): Promise<void>;
  /** Gives it up. */
  discard(): Promise<void>;
}

/**
 * Creates the draft of a file, readable by this user alone.
 *
 * @throws {RefusedFileError}
 */
export async function createDraft(path: string): Promise<DraftFile> {
  await checkFolder(path);
  const present = await statLink(path);
  if (present !== undefined) checkFile(present);
  const draftPath = `${path}.${process.pid}-${randomBytes(RANDOM_BYTES).toString('hex')}.tmp`;
  const file = await open(draftPath, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, PRIVATE_MODE);
  return {
    file,
    publish: async () => {
      await file.chmod(PRIVATE_MODE);
      await file.sync();
      await file.close();
      // Again, so late that nobody's link is replaced unseen; a rename never follows one.
      const replaced = await statLink(path);
      if (replaced !== undefined) checkFile(replaced);
      await rename(draftPath, path);
      await syncFolder(dirname(path));
    },
    discard: async () => {
      await file.close().catch(ignore);
      await unlink(draftPath).catch(ignore);
    },
  };
}

async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, O_RDONLY);
    await handle.sync();
  } catch (error) {
    // Some systems cannot sync a folder; the file itself is durable.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EISDIR' && code !== 'EPERM' && code !== 'EINVAL') throw error;
  } finally {
    await handle?.close();
  }
}

/** Removes drafts of processes that ended before they published them. */
export async function removeLeftDrafts(path: string): Promise<void> {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const match = /^(\d+)-[0-9a-f]{12}\.tmp$/.exec(name.slice(prefix.length));
    if (match === null || isRunning(Number(match[1]))) continue;
    const draft = join(folder, name);
    const stats = await statLink(draft).catch(() => undefined);
    if (stats?.isFile() && !isForeign(stats)) await unlink(draft).catch(ignore);
  }
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function ignore(): void {
  // What could not be removed is left.
}
