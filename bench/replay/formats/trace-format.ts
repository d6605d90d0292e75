/**
 * The contract between trace formats and the reader. A format is stateless; what it has to remember
 * while it reads one file (a header line) lives in the parser that it creates. The reader does the
 * rest: files, decompression, splitting into lines or records, counting what is malformed.
 *
 * Parsers never throw on a bad line or record, they answer `malformed`. They throw a `ReplayError`
 * only when the file as a whole cannot be read (a header without the wanted column).
 */
export type Operation = 'get' | 'set' | 'delete';

/** One request of a trace. */
export interface TraceRecord {
  readonly operation: Operation;
  /** 1 to 1,024 bytes of UTF-8. */
  readonly key: string;
  /** Size of the value when the trace says it. */
  readonly valueBytes: number | undefined;
}

/** Hands one request to the reader; the key may be longer than the engine allows, never empty. */
export type EmitRecord = (operation: Operation, key: string, valueBytes?: number) => void;

/** `skipped` is a line that is well-formed and holds no request: a header, a comment, a POST. */
export type ParseOutcome = 'parsed' | 'skipped' | 'malformed';

export interface ParserSettings {
  /** Name of the column that holds the key, for formats with named columns. */
  readonly keyColumn: string | undefined;
}

/** The beginning of a file, decompressed, for recognising its format. */
export interface TraceSample {
  readonly bytes: Buffer;
  /** The complete lines of a text; none when the bytes are no text. */
  readonly lines: readonly string[];
  readonly isText: boolean;
}

interface FormatTraits {
  /** What `--format` takes. */
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  /** True when the name, without folder and without `.gz`, `.xz` or `.zst`, is usual for it. */
  matchesName(fileName: string): boolean;
  matchesSample(sample: TraceSample): boolean;
}

export interface LineParser {
  /** `line` has no line end. */
  parseLine(line: string, emit: EmitRecord): ParseOutcome;
}

export interface TextFormat extends FormatTraits {
  readonly kind: 'text';
  createParser(settings: ParserSettings): LineParser;
}

export interface BinaryFormat extends FormatTraits {
  readonly kind: 'binary';
  /** Fixed size of one record. */
  readonly recordBytes: number;
  /** Reads the record at `offset`; the reader has checked that all of it is there. */
  parseRecord(data: Buffer, offset: number, emit: EmitRecord): ParseOutcome;
}

export type TraceFormat = TextFormat | BinaryFormat;

const SNIFFED_LINES = 50;
/** A file may start in the middle of a line or hold a few odd ones. */
const SNIFFED_SHARE_MIN = 0.9;

/** True when nearly all of the first lines satisfy the test. Blank lines do not count. */
export function mostLinesMatch(sample: TraceSample, test: (line: string) => boolean): boolean {
  const lines = sample.lines.filter((line) => line.trim() !== '').slice(0, SNIFFED_LINES);
  if (lines.length === 0) return false;
  return lines.filter(test).length >= lines.length * SNIFFED_SHARE_MIN;
}

/** Reads decimal digits up to 2^53 - 1; undefined for anything else. */
export function parseDecimal(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
