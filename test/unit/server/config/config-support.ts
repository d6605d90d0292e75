import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { ConfigError } from '../../../../server/config/config-error.js';
import { type ConfigSources, readConfig } from '../../../../server/config/read-config.js';

const folder = mkdtempSync(join(tmpdir(), 'hotshard-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;

/** A config file of this content; removed after the tests of the file. */
export function writeConfigFile(content: string | Uint8Array): string {
  const path = join(folder, `config-${files++}.json`);
  writeFileSync(path, content);
  return path;
}

/** What `read` finds wrong; empty for nothing. */
export function problemsIn(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

export function problemsOf(sources: Partial<ConfigSources>): readonly string[] {
  return problemsIn(() => readConfig({ environment: {}, ...sources }));
}

/** What is wrong with a config file of this content, without its path. */
export function problemsOfFile(content: string | Uint8Array): readonly string[] {
  const file = writeConfigFile(content);
  return problemsOf({ file }).map((problem) => problem.replace(`${file}: `, ''));
}
