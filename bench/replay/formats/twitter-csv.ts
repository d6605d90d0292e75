import { operationOfName } from './operation-names.js';
import {
  type EmitRecord,
  type LineParser,
  mostLinesMatch,
  type Operation,
  type ParseOutcome,
  parseDecimal,
  type TextFormat,
} from './trace-format.js';

/** key size, value size, client id, operation, TTL */
const FIELDS_AFTER_KEY = 5;

interface TwitterRequest {
  readonly operation: Operation;
  readonly key: string;
  readonly valueBytes: number;
}

function parseTwitterLine(line: string): TwitterRequest | undefined {
  const fields = line.split(',');
  const keyEnd = fields.length - FIELDS_AFTER_KEY;
  if (keyEnd < 2 || parseDecimal(fields[0]) === undefined) return undefined;
  const keyBytes = parseDecimal(fields[keyEnd]);
  const valueBytes = parseDecimal(fields[keyEnd + 1]);
  const operation = operationOfName(fields[keyEnd + 3] ?? '');
  const ttlSeconds = parseDecimal(fields[keyEnd + 4]?.trim());
  // Anonymised keys keep the separators of the originals, a comma may be one of them.
  const key = fields.slice(1, keyEnd).join(',');
  if (keyBytes === undefined || valueBytes === undefined || ttlSeconds === undefined) {
    return undefined;
  }
  return operation === undefined || key === '' ? undefined : { operation, key, valueBytes };
}

class TwitterCsvParser implements LineParser {
  parseLine(line: string, emit: EmitRecord): ParseOutcome {
    if (line === '') return 'skipped';
    const request = parseTwitterLine(line);
    if (request === undefined) return 'malformed';
    emit(request.operation, request.key, request.valueBytes);
    return 'parsed';
  }
}

/** The cache traces of Twitter (OSDI 2020): seven columns without a header. */
export const twitterCsv: TextFormat = {
  kind: 'text',
  name: 'twitter',
  summary:
    'Twitter cache-trace CSV: time,key,key size,value size,client,operation,TTL; no header; TTL is ignored',
  matchesName: (fileName) => /^cluster\d+/i.test(fileName),
  matchesSample: (sample) => mostLinesMatch(sample, (line) => parseTwitterLine(line) !== undefined),
  createParser: () => new TwitterCsvParser(),
};
