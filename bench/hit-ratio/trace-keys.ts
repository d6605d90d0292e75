import { createTraceSource } from '../replay/trace-source.js';

/** The requests of a trace, with its keys numbered from 0 in order of their first request. */
export interface TraceKeys {
  readonly requests: Int32Array;
  readonly keyCount: number;
}

/** Numbers the keys of a trace. */
export function numberKeys(keys: Iterable<string | number>): TraceKeys {
  const numbers = new Map<string | number, number>();
  const requests: number[] = [];
  for (const key of keys) {
    let number = numbers.get(key);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(key, number);
    }
    requests.push(number);
  }
  return { requests: Int32Array.from(requests), keyCount: numbers.size };
}

/**
 * Reads a trace file; every record is one access, whatever its operation. Throws a `ReplayError`
 * when the file cannot be read, an Error when a part of it is malformed.
 */
export async function readTraceKeys(path: string): Promise<TraceKeys> {
  const source = await createTraceSource(path, {
    formatName: undefined,
    keyColumn: undefined,
    requestsMax: undefined,
  });
  const pass = await source.openPass();
  const keys: string[] = [];
  try {
    for await (const batch of pass.batches) for (const { key } of batch) keys.push(key);
  } finally {
    await pass.close();
  }
  if (pass.tally.malformed > 0) {
    throw new Error(`${path}: ${pass.tally.malformed} malformed: ${pass.tally.firstMalformed}`);
  }
  return numberKeys(keys);
}
