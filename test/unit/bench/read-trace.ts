import type { TraceFormat, TraceRecord } from '../../../bench/replay/formats/trace-format.js';
import { createTally, readRecords, type TraceTally } from '../../../bench/replay/trace-reader.js';

export interface ReadTrace {
  readonly records: readonly TraceRecord[];
  readonly tally: TraceTally;
}

async function* chunksOf(bytes: Buffer, chunkBytes: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    yield bytes.subarray(start, start + chunkBytes);
  }
}

/** Reads a whole trace from memory, in chunks of the given size. */
export async function readTrace(
  format: TraceFormat,
  content: string | Buffer,
  options: { readonly keyColumn?: string; readonly chunkBytes?: number } = {},
): Promise<ReadTrace> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const tally = createTally();
  const records: TraceRecord[] = [];
  const chunks = chunksOf(bytes, options.chunkBytes ?? 64 * 1024);
  const settings = { keyColumn: options.keyColumn };
  for await (const batch of readRecords(chunks, format, settings, tally)) records.push(...batch);
  return { records, tally };
}

/** `get a`, or `get a 12` when the size is known. */
export function written(records: readonly TraceRecord[]): string[] {
  return records.map(({ operation, key, valueBytes }) =>
    [operation, key, valueBytes].filter((part) => part !== undefined).join(' '),
  );
}
