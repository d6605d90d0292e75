import { basename } from 'node:path';
import { nearestName } from '../../../src/nearest-name.js';
import { ReplayError } from '../replay-error.js';
import { adaptSizeText } from './adaptsize-text.js';
import { arcLis } from './arc-lis.js';
import { combinedLog } from './combined-log.js';
import { int32Keys } from './int32-keys.js';
import { int64Keys } from './int64-keys.js';
import { lirsText } from './lirs-text.js';
import { namedCsv } from './named-csv.js';
import { oracleGeneral } from './oracle-general.js';
import type { TraceFormat, TraceSample } from './trace-format.js';
import { twitterCsv } from './twitter-csv.js';

/** Every format, the most particular first: the first one that fits the content is taken. */
export const TRACE_FORMATS: readonly TraceFormat[] = [
  oracleGeneral,
  twitterCsv,
  combinedLog,
  namedCsv,
  arcLis,
  adaptSizeText,
  lirsText,
  int64Keys,
  int32Keys,
];

export interface DetectedFormat {
  readonly format: TraceFormat;
  /** What decided. */
  readonly by: 'option' | 'content' | 'name';
}

/** The format that `--format` names. Throws a `ReplayError` when there is none. */
export function formatOfName(name: string): TraceFormat {
  const format = TRACE_FORMATS.find((candidate) => candidate.name === name.toLowerCase());
  if (format !== undefined) return format;
  const names = TRACE_FORMATS.map((candidate) => candidate.name);
  const near = nearestName(name.toLowerCase(), names);
  throw new ReplayError(
    `unknown format "${name}"${near === undefined ? '' : `, did you mean "${near}"?`} ` +
      `The formats are ${names.join(', ')}`,
  );
}

/**
 * Recognises the format by content; where several fit, by the name of the file among those; where
 * none fits, by the name alone. Throws a `ReplayError` when neither helps.
 */
export function detectFormat(path: string, sample: TraceSample): DetectedFormat {
  const fileName = basename(path).replace(/\.(gz|xz|zst|zstd)$/i, '');
  const fitting = TRACE_FORMATS.filter((format) => format.matchesSample(sample));
  const first = fitting.find((format) => format.matchesName(fileName)) ?? fitting[0];
  if (first !== undefined) return { format: first, by: 'content' };
  const kind = sample.isText ? 'text' : 'binary';
  const named = TRACE_FORMATS.find(
    (format) => format.kind === kind && format.matchesName(fileName),
  );
  if (named !== undefined) return { format: named, by: 'name' };
  const names = TRACE_FORMATS.map((format) => format.name).join(', ');
  throw new ReplayError(
    `${path}: the format is recognised neither by its content nor by its name; ` +
      `name it with --format: ${names}`,
  );
}
