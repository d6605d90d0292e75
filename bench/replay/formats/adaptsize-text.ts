import {
  type EmitRecord,
  type LineParser,
  mostLinesMatch,
  type ParseOutcome,
  parseDecimal,
  type TextFormat,
} from './trace-format.js';

const LINE = /^\s*\d+(?:\.\d+)?\s+(\d+)\s+(\d+)\s*$/;

class AdaptSizeParser implements LineParser {
  parseLine(line: string, emit: EmitRecord): ParseOutcome {
    if (line === '') return 'skipped';
    const match = LINE.exec(line);
    const valueBytes = parseDecimal(match?.[2]);
    if (match === null || match[1] === undefined || valueBytes === undefined) return 'malformed';
    emit('get', match[1], valueBytes);
    return 'parsed';
  }
}

/** The request traces of AdaptSize (NSDI 2017), also used by webcachesim. */
export const adaptSizeText: TextFormat = {
  kind: 'text',
  name: 'adaptsize',
  summary: 'AdaptSize or webcachesim text: "time id size" a line',
  matchesName: (fileName) => /\.tr$/i.test(fileName),
  matchesSample: (sample) => mostLinesMatch(sample, (line) => LINE.test(line)),
  createParser: () => new AdaptSizeParser(),
};
