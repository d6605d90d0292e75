/**
 * Belady's optimum (1966): evicts the key whose next request is the farthest. It knows the future,
 * so no cache can do better when all entries weigh the same and each miss is stored.
 */
import { PositionSet } from './position-set.js';

/** Position of the next request for the same key; -1 where there is none. */
export function nextRequests(requests: Int32Array, keyCount: number): Int32Array {
  const next = new Int32Array(requests.length);
  const lastSeen = new Int32Array(keyCount).fill(-1);
  for (let position = requests.length - 1; position >= 0; position -= 1) {
    const key = requests[position] as number;
    next[position] = lastSeen[key] as number;
    lastSeen[key] = position;
  }
  return next;
}

/** Hits of the optimum; `next` is what `nextRequests` returns. */
export function beladyHits(requests: Int32Array, next: Int32Array, capacity: number): number {
  // A held key is represented by the position of its next request; keys that are never asked for
  // again are only counted: whichever of them leaves, it is not missed.
  const upcoming = new PositionSet(requests.length);
  const isUpcoming = new Uint8Array(requests.length);
  let upcomingCount = 0;
  let finishedCount = 0;
  let hits = 0;
  for (let position = 0; position < requests.length; position += 1) {
    if (isUpcoming[position] === 1) {
      hits += 1;
      upcoming.delete(position);
      upcomingCount -= 1;
    } else if (upcomingCount + finishedCount >= capacity) {
      if (finishedCount > 0) finishedCount -= 1;
      else {
        const farthest = upcoming.greatest();
        upcoming.delete(farthest);
        isUpcoming[farthest] = 0;
        upcomingCount -= 1;
      }
    }
    const nextPosition = next[position] as number;
    if (nextPosition === -1) finishedCount += 1;
    else {
      upcoming.add(nextPosition);
      isUpcoming[nextPosition] = 1;
      upcomingCount += 1;
    }
  }
  return hits;
}
