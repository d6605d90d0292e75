import { CACHE_ERROR_STATUS, HTTP_ERRORS } from '../../../server/error-table.js';
import { ERROR_CODES } from '../../../src/errors.js';

const BEGIN = '<!-- generated from the error tables: begin -->';
const END = '<!-- generated from the error tables: end -->';

/** The tables of `docs/ERRORS.md`, out of the tables that the code uses. */
export function renderTables(): string {
  const libraryRows = Object.entries(ERROR_CODES).map(([code, { cause, remedy, retryable }]) => {
    const { status } = CACHE_ERROR_STATUS[code as keyof typeof CACHE_ERROR_STATUS];
    return `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${cause} | ${remedy} |`;
  });
  const serviceRows = Object.entries(HTTP_ERRORS).map(([code, { status, cause, remedy }]) => {
    return `| \`${code}\` | ${status} | ${cause} | ${remedy} |`;
  });
  return [
    '### Of the library',
    '',
    '| code | HTTP | retryable | cause | remedy |',
    '|---|---|---|---|---|',
    ...libraryRows,
    '',
    '### Of the service',
    '',
    '| code | HTTP | cause | remedy |',
    '|---|---|---|---|',
    ...serviceRows,
  ].join('\n');
}

/** The page with its generated part renewed; everything around it stays. */
export function renewPage(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin) throw new Error('the page has lost its markers');
  return `${page.slice(0, begin)}${BEGIN}\n${renderTables()}\n${page.slice(end)}`;
}
