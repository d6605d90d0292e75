/**
 * How much longer than usual the random and stress tests run: the environment variable
 * HOTSHARD_TEST_SCALE, a number from 0.01 to 10,000, default 1.
 */
export function scale(): number {
  const text = process.env['HOTSHARD_TEST_SCALE'];
  if (text === undefined || text === '') return 1;
  const factor = Number(text);
  if (!(factor >= 0.01 && factor <= 10_000)) {
    throw new Error(`HOTSHARD_TEST_SCALE is "${text}", not a number from 0.01 to 10000`);
  }
  return factor;
}

/** A count multiplied by the scale: a whole number, at least 1. */
export function scaled(count: number): number {
  return Math.max(1, Math.round(count * scale()));
}
