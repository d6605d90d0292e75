import { setImmediate as nextTurn } from 'node:timers/promises';
import { STATUS_OK, STATUS_PENDING } from '../../native-free-core/status.js';
import type { KeyspaceContext } from '../keyspace-context.js';
import { Command } from '../writes/command.js';
import type { TagNames } from './tag-names.js';
import { TagSlice } from './tag-slice.js';

/** Slices of one shard in a row before timers and I/O have their turn. */
const SLICES_PER_TURN = 4;

/** What an invalidation removes, or makes stale, in one namespace. */
export interface TagInvalidation {
  readonly namespaceId: number;
  /** `OP_REMOVE_TAGGED` or `OP_EXPIRE_TAGGED`. */
  readonly opcode: number;
  /** An entry is meant when it has all the tags of one of these. */
  readonly alternatives: readonly TagNames[];
}

/**
 * Runs an invalidation in all shards: the first slice of each is sent before this returns, so that
 * it comes after the caller's earlier writes and before its later ones. Resolves to the number of
 * live entries.
 */
export function runInvalidation(
  context: KeyspaceContext,
  invalidation: TagInvalidation,
): Promise<number> {
  const { namespaceId, alternatives } = invalidation;
  const { pending } = context.writer;
  const hidden =
    pending.count === 0
      ? []
      : pending.hide(namespaceId, (tags) => alternatives.some((each) => tags.includesAll(each)));
  const slices: TagSlice[] = [];
  const waiting: Promise<void>[] = [];
  for (const names of alternatives) {
    for (let shard = 0; shard < context.session.shardCount; shard++) {
      const slice = new TagSlice(shard, names);
      slices.push(slice);
      const sent = sendSlice(context, invalidation, slice);
      if (sent !== undefined || !slice.isDone)
        waiting.push(goOn(context, invalidation, slice, sent));
    }
  }
  if (waiting.length === 0) {
    pending.reveal(hidden);
    return Promise.resolve(sum(slices));
  }
  const answer = finish(waiting)
    .then(() => sum(slices))
    .finally(() => pending.reveal(hidden));
  return context.background(answer);
}

/** Sends a slice; undefined when it was carried out at once. */
function sendSlice(
  context: KeyspaceContext,
  { namespaceId, opcode }: TagInvalidation,
  slice: TagSlice,
): Promise<void> | undefined {
  const command = new Command();
  command.opcode = opcode;
  command.namespaceId = namespaceId;
  command.slice = slice;
  const status = context.writer.run(command);
  if (status === STATUS_OK) return undefined;
  if (status !== STATUS_PENDING) return Promise.reject(context.failure(command, status));
  return new Promise((resolve, reject) => {
    command.settle = (outcome) => {
      if (outcome === STATUS_OK) resolve();
      else reject(context.failure(command, outcome));
    };
  });
}

/** Sends slice after slice of one shard until none is left. */
async function goOn(
  context: KeyspaceContext,
  invalidation: TagInvalidation,
  slice: TagSlice,
  first: Promise<void> | undefined,
): Promise<void> {
  if (first !== undefined) await first;
  for (let inTurn = 1; !slice.isDone; inTurn++) {
    if (inTurn % SLICES_PER_TURN === 0) await nextTurn();
    const sent = sendSlice(context, invalidation, slice);
    if (sent !== undefined) await sent;
  }
}

/** Waits for all shards; what failed in one does not stop the others. */
async function finish(waiting: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(waiting);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

function sum(slices: readonly TagSlice[]): number {
  return slices.reduce((total, slice) => total + slice.affected, 0);
}
