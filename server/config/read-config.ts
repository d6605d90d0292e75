/** Reads the settings: defaults, then the config file, then the environment, then flags. */
import { ConfigError } from './config-error.js';
import { readConfigFile } from './config-file.js';
import { type Conflict, findConflicts } from './conflicts.js';
import { nearestName } from './nearest-name.js';
import { CONFIG_FILE_NAME, OWN_PREFIX, URL_NAME } from './own-names.js';
import { filePathOf, flagOf, hintAt, showName } from './setting-names.js';
import {
  type DerivedFallback,
  entriesOf,
  SETTINGS,
  type Setting,
  type SettingTable,
  type SettingValues,
} from './setting-table.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Of tests and benchmarks, which the environment of a developer may hold. */
const DEVELOPMENT_NAME = /^HOTSHARD_(?:TEST_.*|BENCH_.*|SEED|TRACES)$/;
const SETTING_PREFIX = /^(?:SERVER|HTTP|WS|CACHE|METRICS|LOG)_/;
/** A name of another program is seldom as near as this to one of ours. */
const SLIPS_OF_NEAR_MISS = 2;

/** Where the settings come from. */
export interface ConfigSources {
  readonly environment: Environment;
  /** Texts of flags by the names of the environment variables. */
  readonly flags?: ReadonlyMap<string, string>;
  /** The config file of the flag `--config`; it goes before that of the environment. */
  readonly file?: string;
}

/** Which source a value is from, and its name there. */
export interface ValueSource {
  readonly kind: 'default' | 'file' | 'environment' | 'flag';
  /** Such as `cache.defaultTtl`, `CACHE_DEFAULT_TTL`, `--default-ttl`; empty for a default. */
  readonly name: string;
}

/** The settings and where each is from. Frozen. */
export interface Config<V = SettingValues> {
  readonly values: V;
  readonly sources: { readonly [K in keyof V]: ValueSource };
}

/**
 * Reads the settings of the service.
 *
 * @throws {ConfigError} with all problems at once
 */
export function readConfig(sources: ConfigSources): Config {
  return readSettings(SETTINGS, sources, findConflicts);
}

interface Given {
  readonly source: ValueSource;
  readonly value: unknown;
}

/**
 * Reads the settings of a table.
 *
 * @param findProblems what is wrong with values that are good each by itself
 * @throws {ConfigError} with all problems at once
 */
export function readSettings<V>(
  table: SettingTable<V>,
  { environment, flags = new Map(), file = environment[CONFIG_FILE_NAME] }: ConfigSources,
  findProblems: (values: V) => readonly Conflict<V>[],
): Config<V> {
  const entries = entriesOf(table);
  const settings = entries.map(([, setting]) => setting);
  const problems = findUnknownNames(environment, settings);
  const fileContent = file === undefined ? undefined : readConfigFile(file, settings);
  problems.push(...(fileContent?.problems ?? []));
  const values: Record<string, unknown> = {};
  const sources: Record<string, ValueSource> = {};
  const wrong = new Set<keyof V>();
  for (const [key, setting] of entries) {
    const told = problems.length;
    const given =
      fromFlag(setting, flags, problems) ??
      fromEnvironment(setting, environment, problems) ??
      fromFile(setting, fileContent?.values);
    if (problems.length > told) wrong.add(key as keyof V);
    values[key] = given === undefined ? fallbackOf(setting, values) : given.value;
    sources[key] = given?.source ?? { kind: 'default', name: '' };
  }
  // What cannot be read makes no conflict besides; of a file with a problem nothing is taken.
  const isFileGood = fileContent === undefined || fileContent.problems.length === 0;
  for (const { between, problem } of isFileGood ? findProblems(values as V) : []) {
    if (!between.some((key) => wrong.has(key))) problems.push(problem);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze({
    values: Object.freeze(values),
    sources: Object.freeze(sources),
  }) as Config<V>;
}

function isDerived(fallback: Setting<unknown>['fallback']): fallback is DerivedFallback<unknown> {
  return 'derive' in fallback;
}

function fallbackOf(
  { fallback }: Setting<unknown>,
  values: Readonly<Record<string, unknown>>,
): unknown {
  if (!isDerived(fallback)) return fallback.value;
  // The values that it depends on stand above it in the table.
  return fallback.derive(values as unknown as SettingValues);
}

function fromFlag(
  setting: Setting<unknown>,
  flags: ReadonlyMap<string, string>,
  problems: string[],
): Given | undefined {
  const text = flags.get(setting.name);
  if (text === undefined) return undefined;
  return readText(setting, text, { kind: 'flag', name: flagOf(setting.name) }, problems);
}

function fromEnvironment(
  setting: Setting<unknown>,
  environment: Environment,
  problems: string[],
): Given | undefined {
  const { name, alias } = setting;
  const aliasText = alias === undefined ? undefined : environment[alias];
  if (alias !== undefined && aliasText !== undefined && environment[name] === undefined) {
    return readText(setting, aliasText, { kind: 'environment', name: alias }, problems);
  }
  if (aliasText !== undefined && aliasText !== environment[name]) {
    problems.push(`${alias}: another name of ${name}, which has another value`);
  }
  const text = environment[name];
  if (text === undefined) return undefined;
  return readText(setting, text, { kind: 'environment', name }, problems);
}

function fromFile(
  { name }: Setting<unknown>,
  values: ReadonlyMap<string, unknown> | undefined,
): Given | undefined {
  if (values?.has(name) !== true) return undefined;
  return { value: values.get(name), source: { kind: 'file', name: filePathOf(name).join('.') } };
}

function readText(
  { form, isSecret }: Setting<unknown>,
  text: string,
  source: ValueSource,
  problems: string[],
): Given | undefined {
  const result = form.text.safeParse(text);
  if (result.success) return { value: result.data, source };
  const problem = isSecret ? `is not ${form.form}` : (result.error.issues[0]?.message ?? '');
  problems.push(`${source.name}: ${problem}`);
  return undefined;
}

/**
 * Names with the prefix that is ours alone must be known. Other prefixes are not ours alone
 * (`HTTP_PROXY`): of them only slips of the pen are refused.
 */
function findUnknownNames(
  environment: Environment,
  settings: readonly Setting<unknown>[],
): string[] {
  const aliases = settings.flatMap(({ alias }) => (alias === undefined ? [] : [alias]));
  const names = [...settings.map(({ name }) => name), ...aliases];
  const ownNames = [CONFIG_FILE_NAME, URL_NAME];
  const problems: string[] = [];
  for (const name of Object.keys(environment)) {
    if (name.startsWith(OWN_PREFIX)) {
      if (ownNames.includes(name) || DEVELOPMENT_NAME.test(name)) continue;
      const own = nearestName(showName(name), ownNames, SLIPS_OF_NEAR_MISS);
      const hint =
        own === undefined ? hintAt(name.slice(OWN_PREFIX.length), names) : `; did you mean ${own}?`;
      problems.push(`${showName(name)}: no such setting${hint}`);
    } else if (SETTING_PREFIX.test(name) && !names.includes(name)) {
      const nearest = nearestName(showName(name), names, SLIPS_OF_NEAR_MISS);
      if (nearest === undefined) continue;
      problems.push(`${showName(name)}: no such setting; did you mean ${nearest}?`);
    }
  }
  return problems;
}
