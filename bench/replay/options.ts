import { readByteSize } from '../../src/byte-size.js';
import { nearestName } from '../../src/nearest-name.js';
import { TRACE_FORMATS } from './formats/registry.js';
import { DEFAULT_VALUE_BYTES } from './replay.js';
import { ReplayError } from './replay-error.js';
import { WORKLOAD_PREFIX } from './trace-source.js';
import { VALUE_BYTES_MAX } from './value-source.js';
import { WORKLOADS } from './workloads.js';

const KIB = 1024;
const MEMORY_BYTES_MIN = 8 * KIB ** 2;
const MEMORY_BYTES_MAX = 4 * KIB ** 3 - 64 * KIB;
const SHARDS_MAX = 64;
const HELP_COLUMNS_MAX = 100;
const ENTRIES_MAX = 2 ** 24 - 1;
const DEFAULT_MEMORY_BYTES = 64 * KIB ** 2;

/** Where the requests go. */
export type Destination =
  | { readonly kind: 'engine' }
  | { readonly kind: 'new-server' }
  | { readonly kind: 'server'; readonly base: URL };

export interface ReplayOptions {
  readonly file: string;
  readonly memoryBytes: number;
  readonly entriesMax: number | undefined;
  readonly destination: Destination;
  readonly formatName: string | undefined;
  readonly keyColumn: string | undefined;
  /** Undefined: 1 for the engine, the server's own default for a server. */
  readonly shards: number | undefined;
  readonly fixedValueBytes: number | undefined;
  readonly requestsMax: number | undefined;
  readonly jsonFile: string | undefined;
}

export type CommandLine = { readonly kind: 'help' } | ({ readonly kind: 'run' } & ReplayOptions);

/** The command line holds at least one mistake; the message names all of them. */
export class UsageError extends ReplayError {
  override readonly name: string = 'UsageError';
}

const VALUE_OPTIONS = [
  '--memory',
  '--entries',
  '--format',
  '--column',
  '--shards',
  '--value-bytes',
  '--limit',
  '--json',
];
const OTHER_OPTIONS = ['--http', '--help'];

interface RawArguments {
  readonly files: string[];
  readonly values: Map<string, string>;
  /** Undefined: no `--http`; empty: without a URL. */
  http: string | undefined;
  isHelp: boolean;
}

function splitArguments(argv: readonly string[], problems: string[]): RawArguments {
  const raw: RawArguments = { files: [], values: new Map(), http: undefined, isHelp: false };
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? '';
    const [name = '', inlineValue] = splitInlineValue(argument);
    const next = argv[index + 1];
    if (argument === '-h' || argument === '--help') raw.isHelp = true;
    else if (!argument.startsWith('-')) raw.files.push(argument);
    else if (name === '--http') {
      const isUrlNext = inlineValue === undefined && /^https?:\/\//i.test(next ?? '');
      raw.http = isUrlNext ? next : (inlineValue ?? '');
      if (isUrlNext) index += 1;
    } else if (!VALUE_OPTIONS.includes(name)) {
      const near = nearestName(name, [...VALUE_OPTIONS, ...OTHER_OPTIONS]);
      problems.push(`unknown option ${name}${near === undefined ? '' : `, did you mean ${near}?`}`);
    } else if (inlineValue !== undefined) raw.values.set(name, inlineValue);
    else if (next === undefined || next.startsWith('--')) problems.push(`${name} needs a value`);
    else {
      raw.values.set(name, next);
      index += 1;
    }
  }
  return raw;
}

function splitInlineValue(argument: string): [string, string | undefined] {
  const equals = argument.indexOf('=');
  return equals === -1
    ? [argument, undefined]
    : [argument.slice(0, equals), argument.slice(equals + 1)];
}

/** Bytes of '64mb' or '4096'; undefined when it is no size. */
function parseSize(text: string): number | undefined {
  const size = readByteSize(/^\d{1,15}$/.test(text) ? Number(text) : text);
  return typeof size === 'number' ? size : undefined;
}

class NumberReader {
  readonly #values: ReadonlyMap<string, string>;
  readonly #problems: string[];

  constructor(values: ReadonlyMap<string, string>, problems: string[]) {
    this.#values = values;
    this.#problems = problems;
  }

  /** The number of an option within its range; undefined when it is not given. */
  read(
    option: string,
    range: { readonly min: number; readonly max: number },
    parse: (text: string) => number | undefined = parseWhole,
  ): number | undefined {
    const text = this.#values.get(option);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined || value < range.min || value > range.max) {
      this.#problems.push(
        `${option} must be ${range.min.toLocaleString('en')} to ` +
          `${range.max.toLocaleString('en')}, not "${text}"`,
      );
      return undefined;
    }
    return value;
  }
}

function parseWhole(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function parseDestination(http: string | undefined, problems: string[]): Destination {
  if (http === undefined) return { kind: 'engine' };
  if (http === '') return { kind: 'new-server' };
  if (URL.canParse(http)) {
    const base = new URL(http);
    if (base.protocol === 'http:') return { kind: 'server', base };
  }
  problems.push(`--http takes an http:// URL, not "${http}"`);
  return { kind: 'engine' };
}

/** Reads the arguments after the program's name. Throws a `UsageError` with every mistake. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const problems: string[] = [];
  const raw = splitArguments(argv, problems);
  if (raw.isHelp) return { kind: 'help' };
  const numbers = new NumberReader(raw.values, problems);
  const memoryRange = { min: MEMORY_BYTES_MIN, max: MEMORY_BYTES_MAX };
  const options: ReplayOptions = {
    file: raw.files[0] ?? '',
    memoryBytes: numbers.read('--memory', memoryRange, parseSize) ?? DEFAULT_MEMORY_BYTES,
    entriesMax: numbers.read('--entries', { min: 1, max: ENTRIES_MAX }),
    destination: parseDestination(raw.http, problems),
    formatName: raw.values.get('--format'),
    keyColumn: raw.values.get('--column'),
    shards: numbers.read('--shards', { min: 1, max: SHARDS_MAX }),
    fixedValueBytes: numbers.read('--value-bytes', { min: 0, max: VALUE_BYTES_MAX }, parseSize),
    requestsMax: numbers.read('--limit', { min: 1, max: Number.MAX_SAFE_INTEGER }),
    jsonFile: raw.values.get('--json'),
  };
  if (raw.files.length === 0) problems.push('the file of the trace is missing');
  if (raw.files.length > 1) problems.push(`one file at a time, not ${raw.files.join(', ')}`);
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return { kind: 'run', ...options };
}

/** Text in lines of at most 100 columns, all of them indented as far as the first. */
function wrap(start: string, text: string): string {
  const lines: string[] = [];
  let line = start;
  for (const word of text.split(' ')) {
    if (line.length + word.length > HELP_COLUMNS_MAX) {
      lines.push(line.trimEnd());
      line = ' '.repeat(start.length);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()].join('\n');
}

/** The text of `--help`. */
export function helpText(): string {
  const formats = TRACE_FORMATS.map((format) =>
    wrap(`  ${format.name.padEnd(10)} `, format.summary),
  );
  const workloads = WORKLOADS.map(
    (workload) => `  ${WORKLOAD_PREFIX}${workload.name.padEnd(6)} ${workload.summary}`,
  );
  return `Replays an access trace or the log of a web server through the cache, to size it.

npm run replay -- FILE [options]

Each request is awaited before the next. A get that misses stores a value of the size that the
trace says (${DEFAULT_VALUE_BYTES} bytes where it says none); sets and deletes are applied as the trace has them.
Times and lifetimes in the trace are ignored.

Options
  --memory SIZE       memory of the cache, 8mb to 4gb less 64kb (default ${DEFAULT_MEMORY_BYTES / KIB ** 2}mb)
  --entries N         bound the cache by the number of entries as well
  --shards N          1 to ${SHARDS_MAX}; default 1 for the engine, the server's own for a server
  --http [URL]        replay over HTTP: against the server at the URL, or one started for the replay
  --format NAME       format of the file; default: by its content, then by its name
  --column NAME       column of the keys, for the format csv
  --value-bytes SIZE  size of every value, whatever the trace says
  --limit N           read at most N requests
  --json FILE         write the result as JSON, too
  --help              show this text

Formats (plain, or compressed by gzip, xz or zstd)
${formats.join('\n')}
Malformed lines are counted and left out. Keys over 1,024 bytes are replaced by their SHA-256.

Generated workloads, for where no trace is at hand, as FILE
${workloads.join('\n')}

Result
  hit ratio  hits of all gets.
  exact LRU  the hit ratio of an exact LRU over the same requests with the same capacity: with
             --entries that many entries, else as many bytes of keys and values as the cache held
             at the end (found by asking it for the keys of the trace, over HTTP for an even sample
             of them); when nothing was evicted, an LRU without bound. The file is read again for
             it. A running server keeps its own bounds: give --entries to compare with them.
  get        time of a get, hit or miss: from the call until the caller has its own copy of the
             value, with the HTTP client's part over HTTP. Within 1.6 %, by percentiles.
`;
}
