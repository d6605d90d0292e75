/**
 * The names of a setting, all made of that of its environment variable: `CACHE_DEFAULT_TTL` is
 * `cache.defaultTtl` in the config file and `--default-ttl` on the command line.
 */
import { nearestName } from './nearest-name.js';

/** Left out of the names of flags. */
const SILENT_GROUPS: ReadonlySet<string> = new Set(['server', 'cache']);
const SHOWN_CHARACTERS_MAX = 64;

/** Where the setting is in the config file: the group, if it has one, and the name in it. */
export function filePathOf(name: string): readonly string[] {
  const [first = '', ...others] = name.toLowerCase().split('_');
  if (others.length === 0) return [first];
  const camel = others.map((word, at) =>
    at === 0 ? word : word.slice(0, 1).toUpperCase() + word.slice(1),
  );
  return [first, camel.join('')];
}

/** The flag of the setting, such as `--http-port`. */
export function flagOf(name: string): string {
  const words = name.toLowerCase().split('_');
  const shown = SILENT_GROUPS.has(words[0] ?? '') ? words.slice(1) : words;
  return `--${shown.join('-')}`;
}

/** The part of a name that is shown: names of strangers may have any length. */
export function showName(name: string): string {
  return name.length <= SHOWN_CHARACTERS_MAX ? name : `${name.slice(0, SHOWN_CHARACTERS_MAX)}…`;
}

/** `; did you mean X?` where a known name is near, else nothing. */
export function hintAt(name: string, knownNames: readonly string[]): string {
  const nearest = nearestSetting(showName(name), knownNames);
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}

/**
 * The known name that was probably meant: near as a whole, or with words in it that are near the
 * last ones of the name: `defaultTtl` for `ttll`, `HTTP_PORT` for `PORT`.
 */
function nearestSetting(name: string, knownNames: readonly string[]): string | undefined {
  const whole = nearestName(name, knownNames);
  if (whole !== undefined) return whole;
  const ownWords = wordsOf(name);
  for (let taken = ownWords.length; taken > 0; taken--) {
    const runs = new Map<string, string>();
    for (const known of knownNames) {
      for (const run of runsOf(wordsOf(known), taken)) {
        if (!runs.has(run)) runs.set(run, known);
      }
    }
    const nearest = nearestName(ownWords.slice(-taken).join('_'), [...runs.keys()]);
    if (nearest !== undefined) return runs.get(nearest);
  }
  return undefined;
}

/** So many words after each other. */
function runsOf(words: readonly string[], length: number): readonly string[] {
  return words.slice(length - 1).map((_, at) => words.slice(at, at + length).join('_'));
}

/** Lower-case words of `HTTP_PORT`, `httpPort` or `http-port`. */
function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[_.-]+/)
    .filter((word) => word !== '');
}
