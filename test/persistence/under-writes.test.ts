/** A checkpoint shows each shard at one moment, whatever is written while its pages are copied. */
import { copyFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Engine } from '../../src/index.js';
import { createPrng, type Prng, seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { MachineTime } from './machine-time.js';

const PAIRS = 300;
/** Times to live of the clocked entry begin here and never come near their end. */
const TTL_MS = 1_000_000;

function bytesOf(random: Prng): Buffer {
  const bytes = random.nextBelow(10) === 0 ? 20_000 + random.nextBelow(20_000) : 10;
  return Buffer.alloc(bytes + random.nextBelow(400), 'x');
}

/**
 * Entries that go to and fro between two keys: one of them is there at any time, both only in the
 * middle of one step. And two that follow each other: a counter, and one that was touched before.
 */
class Writer {
  readonly engine: Engine;
  readonly random: Prng;
  steps = 0;

  constructor(engine: Engine, random: Prng) {
    this.engine = engine;
    this.random = random;
  }

  async fill(): Promise<void> {
    for (let pair = 0; pair < PAIRS; pair++) {
      await this.engine.set(`${pair} left`, bytesOf(this.random));
    }
    // Of a size of its own: nothing else changes its page.
    await this.engine.set('clocked', 'x'.repeat(1_900));
    await this.step();
  }

  /** Moves one entry to the other side. */
  async step(): Promise<void> {
    this.steps += 1;
    const pair = this.random.nextBelow(PAIRS);
    const [from, to] = this.engine.has(`${pair} left`) ? ['left', 'right'] : ['right', 'left'];
    await this.engine.set(`${pair} ${to}`, bytesOf(this.random));
    if (this.steps % 2 === 0) await this.engine.delete(`${pair} ${from}`);
    else await this.engine.getAndDelete(`${pair} ${from}`);
    await this.engine.touch('clocked', TTL_MS + this.steps);
    await this.engine.increment('steps');
  }
}

function checkImage(engine: Engine, least: number, most: number): void {
  // Not of a clean close: all entries are stale.
  const isThere = (key: string): boolean => engine.getWithMeta(key).state !== 'miss';
  let both = 0;
  for (let pair = 0; pair < PAIRS; pair++) {
    const [left, right] = [isThere(`${pair} left`), isThere(`${pair} right`)];
    if (!left && !right) throw new Error(`pair ${pair} was lost`);
    if (left && right) both += 1;
  }
  const steps = engine.getWithMeta<number>('steps').value as number;
  const touched = engine.getWithMeta('clocked').ttlMs - TTL_MS;
  expect(both).toBeLessThanOrEqual(1);
  expect(steps).toBeGreaterThanOrEqual(least);
  expect(steps).toBeLessThanOrEqual(most);
  expect([steps, steps + 1]).toContain(touched);
}

describe.each(['8mb', '12mb'])('with %s of memory', (memory) => {
  test('what moves about is there once, what follows is not ahead', async () => {
    using folder = temporaryFolder();
    const path = folder.path('entries');
    const time = new MachineTime();
    await using engine = await time.open(path, { memory });
    const writer = new Writer(engine, createPrng(seedFromEnvironment()));
    await writer.fill();
    for (let round = 0; round < scaled(25); round++) {
      const least = writer.steps;
      let isWritten = false;
      const writing = engine.checkpoint().then(() => {
        isWritten = true;
      });
      while (!isWritten) {
        for (let burst = writer.random.nextBelow(12); burst > 0; burst--) await writer.step();
        await new Promise((resolve) => setImmediate(resolve));
      }
      await writing;
      copyFileSync(path, folder.path('copy'));
      await using image = await time.open(folder.path('copy'), { memory });
      checkImage(image, least, writer.steps);
    }
    expect(writer.steps).toBeGreaterThan(100);
    expect(engine.stats().evictions).toBe(0);
  }, 60_000);
});
