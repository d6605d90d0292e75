/**
 * The lists of Accept and Accept-Encoding: names with the weight that the client gives each. Read
 * by one pass, within bounds; what is malformed in an item takes that item out, not the request
 * down: the answer in the stored form is better than none.
 */

/** Longer headers than this are read as absent. */
export const QUALITY_LIST_LENGTH_MAX = 1_024;
/** Further items are not read. */
export const QUALITY_ITEMS_MAX = 32;
/** Weights are whole thousandths. */
export const QUALITY_MAX = 1_000;

const WEIGHT_LENGTH_MAX = 5;
const WEIGHT = /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/;

export interface QualityItem {
  /** In small letters, such as `application/json`, `text/*` or `gzip`. */
  readonly name: string;
  /** 0 to 1000; 0 refuses. */
  readonly quality: number;
}

/** The items in the order of the text; empty where the header is absent, empty or too long. */
export function parseQualityList(text: string): readonly QualityItem[] {
  const items: QualityItem[] = [];
  if (text.length > QUALITY_LIST_LENGTH_MAX) return items;
  let start = 0;
  while (start < text.length && items.length < QUALITY_ITEMS_MAX) {
    const end = findOutsideQuotes(text, ',', start, text.length);
    const item = parseItem(text, start, end);
    if (item !== undefined) items.push(item);
    start = end + 1;
  }
  return items;
}

function parseItem(text: string, start: number, end: number): QualityItem | undefined {
  let partEnd = findOutsideQuotes(text, ';', start, end);
  const name = text.slice(start, partEnd).trim().toLowerCase();
  if (name === '') return undefined;
  let quality: number | undefined = QUALITY_MAX;
  while (partEnd < end) {
    const partStart = partEnd + 1;
    partEnd = findOutsideQuotes(text, ';', partStart, end);
    const part = text.slice(partStart, partEnd).trim();
    if (part.startsWith('q=') || part.startsWith('Q=')) quality = parseWeight(part.slice(2));
    if (quality === undefined) return undefined;
  }
  return { name, quality };
}

function parseWeight(text: string): number | undefined {
  if (text.length > WEIGHT_LENGTH_MAX || !WEIGHT.test(text)) return undefined;
  return Math.round(Number(text) * QUALITY_MAX);
}

/** Where the character stands first, not counting quoted strings; `end` when nowhere. */
function findOutsideQuotes(text: string, character: string, start: number, end: number): number {
  let isQuoted = false;
  for (let index = start; index < end; index++) {
    const found = text[index];
    if (isQuoted && found === '\\') index += 1;
    else if (found === '"') isQuoted = !isQuoted;
    else if (found === character && !isQuoted) return index;
  }
  return end;
}
