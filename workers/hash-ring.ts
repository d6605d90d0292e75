import xxhash, { type XXHashAPI } from 'xxhash-wasm';

/** Points of each worker on the ring: more make shares more even and the ring dearer to build. */
const POINTS_PER_WORKER = 160;
/** No worker takes more than this multiple of an even share, rounded up. */
const LOAD_FACTOR_MAX = 1.25;
/** Ids are stored in bytes. */
const WORKER_ID_MAX = 255;

interface RingPoint {
  readonly hash: number;
  readonly workerId: number;
}

/**
 * Gives every shard a home worker by consistent hashing with bounded loads: the same workers always
 * get the same shards, and a worker more or less moves few of the others' shards. Shards never
 * move between slots of the key space, so no entry moves either.
 */
export class HashRing {
  readonly #hash: (text: string) => number;

  constructor(hash: (text: string) => number) {
    this.#hash = hash;
  }

  /**
   * @param shardCount 0 or more
   * @param workerIds distinct integers from 0 to 255, at least one, in any order
   * @returns for each shard the id of its worker
   * @throws {RangeError} when the arguments are out of range
   */
  assign(shardCount: number, workerIds: readonly number[]): Uint8Array {
    checkArguments(shardCount, workerIds);
    const points = this.#pointsOf(workerIds);
    const loadMax = Math.ceil((LOAD_FACTOR_MAX * shardCount) / workerIds.length);
    const loads = new Uint32Array(WORKER_ID_MAX + 1);
    const homes = new Uint8Array(shardCount);
    for (let shard = 0; shard < shardCount; shard++) {
      const start = firstAtOrAfter(points, this.#hash(`shard ${shard}`));
      // Loads are bounded by more than an even share, so the walk meets a worker with room.
      for (let step = 0; step < points.length; step++) {
        const { workerId } = points[(start + step) % points.length] as RingPoint;
        if ((loads[workerId] ?? 0) >= loadMax) continue;
        loads[workerId] = (loads[workerId] ?? 0) + 1;
        homes[shard] = workerId;
        break;
      }
    }
    return homes;
  }

  #pointsOf(workerIds: readonly number[]): RingPoint[] {
    const points: RingPoint[] = [];
    for (const workerId of workerIds) {
      for (let point = 0; point < POINTS_PER_WORKER; point++) {
        points.push({ hash: this.#hash(`worker ${workerId} point ${point}`), workerId });
      }
    }
    // The id decides between equal hashes, so that the order of the arguments does not matter.
    return points.sort((a, b) => a.hash - b.hash || a.workerId - b.workerId);
  }
}

/** Compiles the hash function, once for each call. */
export async function createHashRing(): Promise<HashRing> {
  const api: XXHashAPI = await xxhash();
  return new HashRing((text) => api.h32(text));
}

function checkArguments(shardCount: number, workerIds: readonly number[]): void {
  if (!Number.isSafeInteger(shardCount) || shardCount < 0) {
    throw new RangeError(`shardCount ${shardCount} is no count`);
  }
  if (workerIds.length === 0) throw new RangeError('there is no worker to give shards to');
  for (const workerId of workerIds) {
    if (!Number.isInteger(workerId) || workerId < 0 || workerId > WORKER_ID_MAX) {
      throw new RangeError(`worker id ${workerId} is no integer from 0 to ${WORKER_ID_MAX}`);
    }
  }
  if (new Set(workerIds).size !== workerIds.length) {
    throw new RangeError(`worker ids ${workerIds.join(', ')} are not distinct`);
  }
}

/** Binary search; the ring closes, so behind the last point comes the first. */
function firstAtOrAfter(points: readonly RingPoint[], hash: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((points[middle] as RingPoint).hash < hash) low = middle + 1;
    else high = middle;
  }
  return low;
}
