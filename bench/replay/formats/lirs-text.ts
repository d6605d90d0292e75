import {
  type EmitRecord,
  type LineParser,
  mostLinesMatch,
  type ParseOutcome,
  type TextFormat,
} from './trace-format.js';

/** Marks a phase of the program in the LIRS traces. */
const PHASE_MARK = '*';

function isKey(token: string): boolean {
  return /^[^\s,;]+$/.test(token);
}

class LirsTextParser implements LineParser {
  parseLine(line: string, emit: EmitRecord): ParseOutcome {
    const token = line.trim();
    if (token === '' || token === PHASE_MARK) return 'skipped';
    if (/\s/.test(token)) return 'malformed';
    emit('get', token);
    return 'parsed';
  }
}

/** The traces of the LIRS authors, and any other list of keys. */
export const lirsText: TextFormat = {
  kind: 'text',
  name: 'lirs',
  summary: 'LIRS text: one key a line; lines "*" are skipped',
  matchesName: (fileName) => /\.(trace|trc|txt|keys)$/i.test(fileName),
  matchesSample: (sample) => mostLinesMatch(sample, (line) => isKey(line.trim())),
  createParser: () => new LirsTextParser(),
};
