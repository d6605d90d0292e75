/** The work of a thread of the pool: one value after another, whole in memory. */
import { move, Piscina, transferableSymbol, valueSymbol } from 'piscina';
import { type CodecOutcome, type CodecWork, performWork } from './codec-work.js';
import { loadLz4 } from './lz4-library.js';
import { MessageTypes } from './message-types.js';

/** What the pool gives its threads. */
export interface CodecThreadData {
  readonly valueBytesMax: number;
  readonly descriptorSet: Uint8Array | undefined;
}

const { valueBytesMax, descriptorSet } = Piscina.workerData as CodecThreadData;
const { library: lz4 } = await loadLz4();
const tools = { lz4, types: new MessageTypes(descriptorSet), valueBytesMax };

/** Carries the work out; the result takes its bytes along. */
export function performCodecTask(work: CodecWork): CodecOutcome {
  const outcome = performWork(tools, work);
  if (outcome.kind !== 'done' && outcome.kind !== 'inexact') return outcome;
  // A copy: results may lie in memory that their library goes on to use, or that cannot be moved.
  const bytes = new Uint8Array(outcome.bytes);
  return move({
    [transferableSymbol]: [bytes.buffer],
    [valueSymbol]: { ...outcome, bytes },
  }) as unknown as CodecOutcome;
}
