import { OPERATION_NAMES, type OperationName } from '../operation-names.js';
import {
  BUCKET_BOUNDS_MS,
  OPERATION_BUCKETS,
  OPERATION_SUM,
  OPERATION_WORDS,
  PART_OPERATIONS,
  PART_READS,
  PART_UNROUTED,
} from './block-layout.js';
import type { ServiceBlock } from './service-block.js';
import type { NamespaceClass, Outcome, ServiceMetrics } from './service-metrics.js';

const OUTCOMES: Readonly<Record<Outcome, number>> = { ok: 0, refused: 1, failed: 2 };
const OPERATION_INDEXES = Object.fromEntries(
  OPERATION_NAMES.map((name, index) => [name, index]),
) as Readonly<Record<OperationName, number>>;
const BOUNDS_MS = Float64Array.from(BUCKET_BOUNDS_MS);
const BOUND_COUNT = BOUNDS_MS.length;

/** What one thread counts: a few plain stores into its own part of the block for each request. */
export class ThreadMetrics implements ServiceMetrics {
  readonly block: ServiceBlock;
  readonly thread: number;
  private readonly words: Float64Array;
  private readonly part: number;

  /** @param thread its position among the threads that serve, below `block.threadCount` */
  constructor(block: ServiceBlock, thread: number) {
    this.block = block;
    this.thread = thread;
    this.words = block.words;
    this.part = block.partOf(thread);
  }

  recordOperation(operation: OperationName, outcome: Outcome, durationMs: number): void {
    const first = this.part + PART_OPERATIONS + OPERATION_INDEXES[operation] * OPERATION_WORDS;
    let bucket = 0;
    while (bucket < BOUND_COUNT && durationMs > (BOUNDS_MS[bucket] as number)) bucket++;
    this.add(first + OUTCOMES[outcome], 1);
    this.add(first + OPERATION_SUM, durationMs);
    this.add(first + OPERATION_BUCKETS + bucket, 1);
  }

  recordReads(namespace: NamespaceClass, hits: number, misses: number): void {
    const first = this.part + PART_READS + (namespace === 'default' ? 0 : 2);
    this.add(first, hits);
    this.add(first + 1, misses);
  }

  recordUnrouted(): void {
    this.add(this.part + PART_UNROUTED, 1);
  }

  private add(word: number, count: number): void {
    this.words[word] = (this.words[word] as number) + count;
  }
}
