import { createHash } from 'node:crypto';
import type {
  BinaryFormat,
  EmitRecord,
  LineParser,
  ParseOutcome,
  ParserSettings,
  TextFormat,
  TraceFormat,
  TraceRecord,
} from './formats/trace-format.js';

const BATCH_RECORDS = 1_024;
/** A longer line is counted as malformed and thrown away as it comes. */
export const LINE_BYTES_MAX: number = 1024 * 1024;
/** What the engine takes as a key, in UTF-8. */
const KEY_BYTES_MAX = 1_024;
/** No character of UTF-16 takes more than three bytes of UTF-8. */
const BYTES_PER_UNIT_MAX = 3;
const EXCERPT_LENGTH = 120;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** What a pass over a trace found; it grows while the pass runs. */
export interface TraceTally {
  records: number;
  skipped: number;
  malformed: number;
  firstMalformed: string | undefined;
}

export function createTally(): TraceTally {
  return { records: 0, skipped: 0, malformed: 0, firstMalformed: undefined };
}

/**
 * Reads the records of a trace in batches, in order, holding no more than a chunk and a batch.
 * Malformed lines and records are counted in the tally. Throws what the parser throws.
 */
export function readRecords(
  chunks: AsyncIterable<Buffer>,
  format: TraceFormat,
  settings: ParserSettings,
  tally: TraceTally,
): AsyncGenerator<TraceRecord[]> {
  return format.kind === 'text'
    ? readLines(chunks, format, settings, tally)
    : readFixedRecords(chunks, format, tally);
}

/** Collects what a parser emits. */
class RecordBatch {
  readonly emit: EmitRecord;
  #records: TraceRecord[] = [];
  readonly #tally: TraceTally;

  constructor(tally: TraceTally) {
    this.#tally = tally;
    this.emit = (operation, key, valueBytes) => {
      tally.records += 1;
      this.#records.push({ operation, key: boundedKey(key), valueBytes });
    };
  }

  get isFull(): boolean {
    return this.#records.length >= BATCH_RECORDS;
  }

  get isEmpty(): boolean {
    return this.#records.length === 0;
  }

  take(): TraceRecord[] {
    const taken = this.#records;
    this.#records = [];
    return taken;
  }

  count(outcome: ParseOutcome, describe: () => string): void {
    if (outcome === 'parsed') return;
    if (outcome === 'skipped') {
      this.#tally.skipped += 1;
      return;
    }
    this.#tally.malformed += 1;
    this.#tally.firstMalformed ??= describe();
  }
}

/** A key too long for the engine keeps its identity as a digest. */
function boundedKey(key: string): string {
  if (key.length * BYTES_PER_UNIT_MAX <= KEY_BYTES_MAX) return key;
  if (Buffer.byteLength(key) <= KEY_BYTES_MAX) return key;
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}

class LineReader {
  lineNumber = 0;
  readonly #parser: LineParser;
  readonly #batch: RecordBatch;

  constructor(parser: LineParser, batch: RecordBatch) {
    this.#parser = parser;
    this.#batch = batch;
  }

  /**
   * Each line is decoded by itself: a piece of a decoded chunk would keep all of the chunk alive
   * for as long as its key is held anywhere.
   */
  read(data: Buffer, start: number, end: number): void {
    const stop = end > start && data[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    const line = data.toString('utf8', start, stop);
    this.lineNumber += 1;
    const outcome = this.#parser.parseLine(line, this.#batch.emit);
    this.#batch.count(outcome, () => `line ${this.lineNumber}: ${excerpt(line)}`);
  }

  discard(): void {
    this.lineNumber += 1;
    this.#batch.count(
      'malformed',
      () => `line ${this.lineNumber}: longer than ${LINE_BYTES_MAX} bytes`,
    );
  }
}

function excerpt(line: string): string {
  return JSON.stringify(line.length <= EXCERPT_LENGTH ? line : `${line.slice(0, EXCERPT_LENGTH)}…`);
}

async function* readLines(
  chunks: AsyncIterable<Buffer>,
  format: TextFormat,
  settings: ParserSettings,
  tally: TraceTally,
): AsyncGenerator<TraceRecord[]> {
  const batch = new RecordBatch(tally);
  const reader = new LineReader(format.createParser(settings), batch);
  let rest: Buffer = Buffer.alloc(0);
  let isOversized = false;
  for await (const chunk of chunks) {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    let end = data.indexOf(LINE_FEED);
    while (end !== -1) {
      if (isOversized) reader.discard();
      else reader.read(data, start, end);
      isOversized = false;
      start = end + 1;
      if (batch.isFull) yield batch.take();
      end = data.indexOf(LINE_FEED, start);
    }
    rest = data.subarray(start);
    if (rest.length > LINE_BYTES_MAX) isOversized = true;
    if (isOversized) rest = Buffer.alloc(0);
    if (!batch.isEmpty) yield batch.take();
  }
  if (isOversized) reader.discard();
  else if (rest.length > 0) reader.read(rest, 0, rest.length);
  if (!batch.isEmpty) yield batch.take();
}

async function* readFixedRecords(
  chunks: AsyncIterable<Buffer>,
  format: BinaryFormat,
  tally: TraceTally,
): AsyncGenerator<TraceRecord[]> {
  const { recordBytes } = format;
  const batch = new RecordBatch(tally);
  let rest: Buffer = Buffer.alloc(0);
  let recordNumber = 0;
  for await (const chunk of chunks) {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let offset = 0;
    for (; offset + recordBytes <= data.length; offset += recordBytes) {
      recordNumber += 1;
      const outcome = format.parseRecord(data, offset, batch.emit);
      batch.count(outcome, () => `record ${recordNumber}`);
      if (batch.isFull) yield batch.take();
    }
    rest = data.subarray(offset);
    if (!batch.isEmpty) yield batch.take();
  }
  if (rest.length > 0) {
    batch.count(
      'malformed',
      () => `record ${recordNumber + 1}: ${rest.length} of ${recordBytes} bytes`,
    );
  }
  if (!batch.isEmpty) yield batch.take();
}
