/** Longer names are not compared: the work stays bounded whatever a caller passes. */
const NAME_UNITS_MAX = 40;

/** The known name within two slips of the given one that needs the fewest, if there is one. */
export function nearestOption(name: string, knownNames: readonly string[]): string | undefined {
  if (name.length > NAME_UNITS_MAX) return undefined;
  let nearest: string | undefined;
  let fewestSlips = name.length < 5 ? 2 : 3;
  for (const known of knownNames) {
    const slips = countSlips(name.toLowerCase(), known.toLowerCase());
    if (slips >= fewestSlips) continue;
    fewestSlips = slips;
    nearest = known;
  }
  return nearest;
}

/** Characters to insert, delete or replace (Levenshtein), by one row of the table. */
function countSlips(source: string, target: string): number {
  const row = Array.from({ length: target.length + 1 }, (_, column) => column);
  for (let line = 1; line <= source.length; line++) {
    let diagonal = row[0] ?? 0;
    row[0] = line;
    for (let column = 1; column <= target.length; column++) {
      const above = row[column] ?? 0;
      const replaced = diagonal + (source[line - 1] === target[column - 1] ? 0 : 1);
      row[column] = Math.min(replaced, above + 1, (row[column - 1] ?? 0) + 1);
      diagonal = above;
    }
  }
  return row[target.length] ?? 0;
}
