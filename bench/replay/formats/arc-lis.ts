import {
  type EmitRecord,
  type LineParser,
  mostLinesMatch,
  type ParseOutcome,
  parseDecimal,
  type TextFormat,
} from './trace-format.js';

/** A request for more blocks than this (32 MiB of 512 bytes) is taken for a damaged line. */
const BLOCKS_PER_REQUEST_MAX = 65_536;

const LINE = /^\s*(\d+)\s+(\d+)\s+\d+\s+\d+\s*$/;

class ArcLisParser implements LineParser {
  parseLine(line: string, emit: EmitRecord): ParseOutcome {
    if (line === '') return 'skipped';
    const match = LINE.exec(line);
    if (match === null) return 'malformed';
    const start = parseDecimal(match[1]);
    const count = parseDecimal(match[2]);
    if (start === undefined || count === undefined || count === 0) return 'malformed';
    if (count > BLOCKS_PER_REQUEST_MAX || !Number.isSafeInteger(start + count)) return 'malformed';
    for (let block = start; block < start + count; block += 1) emit('get', String(block));
    return 'parsed';
  }
}

/** The `.lis` files of the ARC paper (Megiddo and Modha, FAST 2003). */
export const arcLis: TextFormat = {
  kind: 'text',
  name: 'arc',
  summary: 'ARC .lis: "start count ignored number" a line, one request for each of count blocks',
  matchesName: (fileName) => /\.lis$/i.test(fileName),
  matchesSample: (sample) => mostLinesMatch(sample, (line) => LINE.test(line)),
  createParser: () => new ArcLisParser(),
};
