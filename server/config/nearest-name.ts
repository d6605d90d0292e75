/**
 * The known name that a wrong one was probably meant to be.
 *
 * @param slipsMax single characters that may differ; default about one in three
 * @returns `undefined` when none is near enough
 */
export function nearestName(
  name: string,
  knownNames: readonly string[],
  slipsMax: number = Math.floor(name.length / 3),
): string | undefined {
  let nearest: string | undefined;
  let nearestSlips = slipsMax + 1;
  for (const known of knownNames) {
    // No fewer slips than the lengths differ by.
    if (Math.abs(known.length - name.length) >= nearestSlips) continue;
    const slips = countSlips(name, known);
    if (slips < nearestSlips) {
      nearestSlips = slips;
      nearest = known;
    }
  }
  return nearest;
}

/**
 * Single characters to insert, delete or replace, and neighbours to swap, until both are equal
 * (optimal string alignment).
 */
function countSlips(source: string, target: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: target.length + 1 }, (_, column) => column);
  for (let row = 1; row <= source.length; row++) {
    const current = [row];
    for (let column = 1; column <= target.length; column++) {
      const isSame = source[row - 1] === target[column - 1];
      const replaced = (last[column - 1] ?? 0) + (isSame ? 0 : 1);
      const deleted = (last[column] ?? 0) + 1;
      const inserted = (current[column - 1] ?? 0) + 1;
      const isSwapped =
        column > 1 &&
        source[row - 1] === target[column - 2] &&
        source[row - 2] === target[column - 1];
      const swapped = isSwapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      current.push(Math.min(replaced, deleted, inserted, swapped));
    }
    beforeLast = last;
    last = current;
  }
  return last[target.length] ?? 0;
}
