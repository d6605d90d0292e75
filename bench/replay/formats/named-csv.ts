import { nearestName } from '../../../src/nearest-name.js';
import { ReplayError } from '../replay-error.js';
import { splitCsvLine } from './csv-fields.js';
import { operationOfName } from './operation-names.js';
import {
  type EmitRecord,
  type LineParser,
  type Operation,
  type ParseOutcome,
  type ParserSettings,
  parseDecimal,
  type TextFormat,
  type TraceSample,
} from './trace-format.js';

const KEY_COLUMNS = ['key', 'lbn', 'path', 'id', 'obj_id', 'url'];
const SIZE_COLUMNS = ['size', 'bytes', 'value_size', 'obj_size'];
const OPERATION_COLUMNS = ['op', 'operation'];
const DELIMITERS = [',', '\t', ';'];

interface CsvColumns {
  readonly delimiter: string;
  readonly count: number;
  readonly keyIndex: number;
  readonly sizeIndex: number | undefined;
  readonly operationIndex: number | undefined;
}

interface CsvHeader {
  readonly delimiter: string;
  readonly names: readonly string[];
}

function splitHeader(line: string): CsvHeader | undefined {
  const text = line.startsWith('\ufeff') ? line.slice(1) : line;
  const delimiter = DELIMITERS.find((candidate) => text.includes(candidate)) ?? ',';
  const fields = splitCsvLine(text, delimiter);
  if (fields === undefined) return undefined;
  return { delimiter, names: fields.map((field) => field.trim().toLowerCase()) };
}

function findColumn(names: readonly string[], wanted: readonly string[]): number | undefined {
  for (const name of wanted) {
    const index = names.indexOf(name);
    if (index !== -1) return index;
  }
  return undefined;
}

function readHeader(line: string, settings: ParserSettings): CsvColumns {
  const header = splitHeader(line);
  if (header === undefined) throw new ReplayError('line 1: the header of the CSV has a lone quote');
  const { delimiter, names } = header;
  const wanted =
    settings.keyColumn === undefined ? KEY_COLUMNS : [settings.keyColumn.toLowerCase()];
  const keyIndex = findColumn(names, wanted);
  if (keyIndex === undefined) {
    const near = settings.keyColumn === undefined ? undefined : nearestName(wanted[0] ?? '', names);
    throw new ReplayError(
      `line 1: no column ${wanted.map((name) => `"${name}"`).join(', ')} in the header: ` +
        `${names.join(', ')}${near === undefined ? '' : ` (did you mean "${near}"?)`}; ` +
        'name the column of the keys with --column',
    );
  }
  return {
    delimiter,
    count: names.length,
    keyIndex,
    sizeIndex: findColumn(names, SIZE_COLUMNS),
    operationIndex: findColumn(names, OPERATION_COLUMNS),
  };
}

class NamedCsvParser implements LineParser {
  readonly #settings: ParserSettings;
  #columns: CsvColumns | undefined;

  constructor(settings: ParserSettings) {
    this.#settings = settings;
  }

  parseLine(line: string, emit: EmitRecord): ParseOutcome {
    if (line === '') return 'skipped';
    const columns = this.#columns;
    if (columns === undefined) {
      this.#columns = readHeader(line, this.#settings);
      return 'skipped';
    }
    const fields = splitCsvLine(line, columns.delimiter);
    if (fields === undefined || fields.length < columns.count) return 'malformed';
    const key = keyField(fields, columns);
    if (key === '') return 'malformed';
    const { sizeIndex } = columns;
    const valueBytes = sizeIndex === undefined ? undefined : parseDecimal(fields[sizeIndex]);
    emit(operationField(fields, columns), key, valueBytes);
    return 'parsed';
  }
}

/** A last column of free text (a path) is often written with its delimiters unquoted. */
function keyField(fields: readonly string[], columns: CsvColumns): string {
  if (columns.keyIndex < columns.count - 1 || fields.length === columns.count) {
    return fields[columns.keyIndex] ?? '';
  }
  return fields.slice(columns.keyIndex).join(columns.delimiter);
}

/** Other names (the codes of a block trace) are accesses. */
function operationField(fields: readonly string[], columns: CsvColumns): Operation {
  if (columns.operationIndex === undefined) return 'get';
  return operationOfName(fields[columns.operationIndex] ?? '') ?? 'get';
}

function looksLikeHeader(sample: TraceSample): boolean {
  const header = splitHeader(sample.lines[0] ?? '');
  if (header === undefined) return false;
  const { names } = header;
  if (names.length === 1) return findColumn(names, KEY_COLUMNS) !== undefined;
  return (
    names.every((name) => /^[a-z_][\w .-]*$/.test(name)) && new Set(names).size === names.length
  );
}

/** Comma, tab or semicolon separated columns whose first line names them. */
export const namedCsv: TextFormat = {
  kind: 'text',
  name: 'csv',
  summary:
    `CSV with a header; key = --column or the first of ${KEY_COLUMNS.join(', ')}; ` +
    `size = ${SIZE_COLUMNS.join(', ')}; op = GET, SET, DELETE (others count as GET)`,
  matchesName: (fileName) => /\.(csv|tsv)$/i.test(fileName),
  matchesSample: looksLikeHeader,
  createParser: (settings) => new NamedCsvParser(settings),
};
