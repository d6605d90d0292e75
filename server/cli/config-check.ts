import { ConfigError } from '../config/config-error.js';
import { describeValues } from '../config/describe.js';
import { readConfig } from '../config/read-config.js';
import { SETTINGS } from '../config/setting-table.js';
import { CommandError } from './command-error.js';
import { sourcesOf } from './setting-flags.js';

/** `hotshard config check`: prints the settings in force, or everything that is wrong with them. */
export function checkConfig(options: Readonly<Record<string, unknown>>): number {
  try {
    const rows = describeValues(SETTINGS, readConfig(sourcesOf(options)));
    if (options['json'] === true) {
      const entries = rows.map(({ name, value, source }) => [name, { value, source }]);
      print(`${JSON.stringify({ valid: true, settings: Object.fromEntries(entries) })}\n`);
    } else print(tableOf(rows.map(({ name, value, source }) => [name, value, source])));
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (options['json'] !== true) throw new CommandError(error.message, 1, { cause: error });
    print(`${JSON.stringify({ valid: false, problems: error.problems })}\n`);
    return 1;
  }
}

function print(text: string): void {
  process.stdout.write(text);
}

function tableOf(rows: readonly (readonly [string, string, string])[]): string {
  const nameWidth = Math.max(...rows.map(([name]) => name.length));
  const valueWidth = Math.max(...rows.map(([, value]) => value.length));
  return rows
    .map(([name, value, source]) => {
      return `${name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${source}\n`;
    })
    .join('');
}
