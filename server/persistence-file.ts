/** The file of entries, as far as an operator must hear of it. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { PersistenceEvent } from '../src/index.js';
import { ConfigError } from './config/config-error.js';
import { SETTINGS } from './config/setting-table.js';

const CHANNEL = 'hotshard:persistence';

/**
 * Whether the file could be written at the end: then it would be too late to hear that it cannot.
 *
 * @throws {ConfigError} when it cannot
 */
export async function checkPersistenceFile(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  const problem =
    (await findFolderProblem(folder)) ?? ((await isFolder(path)) ? 'is a folder' : '');
  if (problem === '') return;
  throw new ConfigError([`${SETTINGS.persistencePath.name}: ${problem}`]);
}

async function findFolderProblem(folder: string): Promise<string | undefined> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT'
      ? `the folder ${folder} does not exist`
      : `nothing can be written to ${folder} (${code})`;
  }
  return (await isFolder(folder)) ? undefined : `${folder} is no folder`;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // What is not there yet is made.
    return false;
  }
}

/**
 * Listens for a file that cannot be written: the engine closes all the same, without a failure.
 *
 * @returns ends listening, and gives why the file was not written, if it was not
 */
export function watchLastWrite(): () => string | undefined {
  let reason: string | undefined;
  const note = (message: unknown): void => {
    const event = message as PersistenceEvent;
    if (event.kind === 'write-failed') reason = event.reason;
  };
  subscribe(CHANNEL, note);
  return () => {
    unsubscribe(CHANNEL, note);
    return reason;
  };
}
