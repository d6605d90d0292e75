/** The table of settings as text: for help, for documents, and with the values in force. */
import type { Config } from './read-config.js';
import { filePathOf, flagOf } from './setting-names.js';
import { entriesOf, SETTINGS, type Setting, type SettingTable } from './setting-table.js';

const HIDDEN = '***';

/** One setting for `--help`. */
export interface FlagDescription {
  /** Of the environment variable. */
  readonly name: string;
  /** Such as `--http-port <value>`. */
  readonly flag: string;
  readonly text: string;
}

function fallbackText({ fallback, form }: Setting<unknown>): string {
  if ('derive' in fallback) return fallback.text;
  const text = form.show(fallback.value);
  return text === '' ? 'none' : text;
}

/** Every setting as an option of the command line. */
export function describeFlags(): readonly FlagDescription[] {
  return entriesOf(SETTINGS).map(([, setting]) => ({
    name: setting.name,
    // A flag without a value says yes.
    flag: `${flagOf(setting.name)} ${setting.form.isFlag === true ? '[true|false]' : '<value>'}`,
    text: `${setting.meaning} (${setting.form.form}; default: ${fallbackText(setting)}; ${setting.name})`,
  }));
}

/** One value in force, as `config check` prints it. */
export interface EffectiveValue {
  readonly name: string;
  /** As text that sets the same value; `***` for a secret. */
  readonly value: string;
  readonly source: string;
}

/** Every value in force and where it is from. */
export function describeValues<V>(
  table: SettingTable<V>,
  { values, sources }: Config<V>,
): readonly EffectiveValue[] {
  return entriesOf(table).map(([key, setting]) => {
    const source = sources[key as keyof V];
    const text = setting.form.show(values[key as keyof V]);
    return {
      name: setting.name,
      value: setting.isSecret && text !== '' ? HIDDEN : text,
      source: source.name === '' ? source.kind : `${source.kind} ${source.name}`,
    };
  });
}

/** The table of settings for the documents, in Markdown. */
export function renderSettingTable(): string {
  const rows = entriesOf(SETTINGS).map(([, setting]) => {
    const { name, alias, form, meaning } = setting;
    const names = alias === undefined ? `\`${name}\`` : `\`${name}\` (also \`${alias}\`)`;
    const place = `\`${filePathOf(name).join('.')}\``;
    const cells = [names, place, `\`${flagOf(name)}\``, form.form, fallbackText(setting), meaning];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return [
    '| environment | in the file | flag | values | default | meaning |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
