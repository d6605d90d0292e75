/**
 * The known name that a wrong one was probably meant to be.
 *
 * @returns `undefined` when none is within about one slip in three characters
 */
export function nearestName(name: string, knownNames: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let nearestSlips = Math.floor(name.length / 3) + 1;
  for (const known of knownNames) {
    const slips = countSlips(name, known);
    if (slips < nearestSlips) {
      nearestSlips = slips;
      nearest = known;
    }
  }
  return nearest;
}

/** Single characters to insert, delete or replace until both are equal (Levenshtein). */
function countSlips(source: string, target: string): number {
  let previous = Array.from({ length: target.length + 1 }, (_, column) => column);
  for (let row = 1; row <= source.length; row++) {
    const current = [row];
    for (let column = 1; column <= target.length; column++) {
      const replaced =
        (previous[column - 1] ?? 0) + (source[row - 1] === target[column - 1] ? 0 : 1);
      const deleted = (previous[column] ?? 0) + 1;
      const inserted = (current[column - 1] ?? 0) + 1;
      current.push(Math.min(replaced, deleted, inserted));
    }
    previous = current;
  }
  return previous[target.length] ?? 0;
}
