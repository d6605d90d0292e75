/** Longer names are not compared: the work stays bounded whatever a caller passes. */
const NAME_UNITS_MAX = 64;
/** Shorter parts occur in too many names to mean one of them. */
const PART_UNITS_MIN = 3;

/**
 * The known name that was probably meant: within about one slip for three characters, or else one
 * that contains the given name (`ttl` → `defaultTtl`). Capitals do not count.
 *
 * @returns `undefined` when nothing comes near
 */
export function nearestName(name: string, knownNames: readonly string[]): string | undefined {
  if (name.length === 0 || name.length > NAME_UNITS_MAX) return undefined;
  const sought = name.toLowerCase();
  let nearest: string | undefined;
  let nearestDistance = Math.max(1, Math.floor(sought.length / 3)) + 1;
  for (const known of knownNames) {
    const distance = editDistance(sought, known.toLowerCase());
    if (distance < nearestDistance) {
      nearestDistance = distance;
      nearest = known;
    }
  }
  if (nearest !== undefined || sought.length < PART_UNITS_MIN) return nearest;
  return knownNames.find((known) => known.toLowerCase().includes(sought));
}

/**
 * How many single characters must be inserted, deleted or replaced, or neighbours exchanged, to
 * turn one text into the other, no character twice (optimal string alignment). Three rows of the
 * usual table are enough.
 */
export function editDistance(source: string, target: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: target.length + 1 }, (_, column) => column);
  for (let row = 1; row <= source.length; row++) {
    const current = [row];
    for (let column = 1; column <= target.length; column++) {
      const isSame = source[row - 1] === target[column - 1];
      let least = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      const isExchange =
        row > 1 &&
        column > 1 &&
        source[row - 1] === target[column - 2] &&
        source[row - 2] === target[column - 1];
      if (isExchange) least = Math.min(least, (beforePrevious[column - 2] ?? 0) + 1);
      current.push(least);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[target.length] ?? 0;
}
