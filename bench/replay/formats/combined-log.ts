import {
  type EmitRecord,
  type LineParser,
  mostLinesMatch,
  type ParseOutcome,
  parseDecimal,
  type TextFormat,
} from './trace-format.js';

const REQUEST_OPEN = '] "';
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

interface LoggedRequest {
  readonly request: string;
  readonly status: string;
  readonly responseBytes: string | undefined;
}

/** Index of the quote that closes the string starting at `start`; -1 when none does. */
function closingQuote(line: string, start: number): number {
  for (let index = start; index < line.length; index += 1) {
    const code = line.charCodeAt(index);
    if (code === BACKSLASH) index += 1;
    else if (code === QUOTE) return index;
  }
  return -1;
}

function splitLogLine(line: string): LoggedRequest | undefined {
  const open = line.indexOf(REQUEST_OPEN);
  if (open === -1) return undefined;
  const start = open + REQUEST_OPEN.length;
  const close = closingQuote(line, start);
  if (close === -1) return undefined;
  const [status, responseBytes] = line
    .slice(close + 1)
    .trimStart()
    .split(' ', 2);
  if (status === undefined || !/^\d{3}$/.test(status)) return undefined;
  return { request: line.slice(start, close), status, responseBytes };
}

/** The path with its query of a GET; undefined for other methods and for what is no request. */
function pathOfGet(request: string): string | undefined {
  if (!request.startsWith('GET ')) return undefined;
  const protocol = request.lastIndexOf(' HTTP/');
  const path = request.slice(4, protocol > 4 ? protocol : undefined);
  return path === '' ? undefined : path;
}

class CombinedLogParser implements LineParser {
  parseLine(line: string, emit: EmitRecord): ParseOutcome {
    if (line === '') return 'skipped';
    const logged = splitLogLine(line);
    if (logged === undefined) return 'malformed';
    const path = pathOfGet(logged.request);
    if (path === undefined) return 'skipped';
    // A 304 carries no body: its size says nothing about the value that a cache would hold.
    const hasBody = logged.status !== '304';
    emit('get', path, hasBody ? parseDecimal(logged.responseBytes) : undefined);
    return 'parsed';
  }
}

/** The access log of Apache and nginx: `host ident user [time] "GET /path HTTP/1.1" 200 1234 …`. */
export const combinedLog: TextFormat = {
  kind: 'text',
  name: 'combined',
  summary:
    'Apache or nginx common or combined log; key = path with query of each GET, other methods skipped',
  matchesName: (fileName) => /(^|[._-])access([._-]|$)|\.log(\.|$)/i.test(fileName),
  matchesSample: (sample) => mostLinesMatch(sample, (line) => splitLogLine(line) !== undefined),
  createParser: () => new CombinedLogParser(),
};
