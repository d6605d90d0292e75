/**
 * Splits one line of CSV. Fields may be quoted, a doubled quote stands for one; line ends inside
 * quotes are not supported, because traces are read line by line. Undefined when a quote is not
 * closed or is followed by something other than the delimiter.
 */
export function splitCsvLine(line: string, delimiter: string): string[] | undefined {
  if (!line.includes('"')) return line.split(delimiter);
  const fields: string[] = [];
  let start = 0;
  // Each turn consumes at least one character, or is the last.
  while (start <= line.length) {
    if (line[start] === '"') {
      const end = quotedFieldEnd(line, start + 1);
      if (end === -1) return undefined;
      if (end + 1 < line.length && line[end + 1] !== delimiter) return undefined;
      fields.push(line.slice(start + 1, end).replaceAll('""', '"'));
      start = end + 2;
    } else {
      const found = line.indexOf(delimiter, start);
      const end = found === -1 ? line.length : found;
      fields.push(line.slice(start, end));
      start = end + 1;
    }
  }
  return fields;
}

function quotedFieldEnd(line: string, start: number): number {
  let index = line.indexOf('"', start);
  while (index !== -1 && line[index + 1] === '"') index = line.indexOf('"', index + 2);
  return index;
}
