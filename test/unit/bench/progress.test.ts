import { expect, test } from 'vitest';
import { Progress } from '../../../bench/replay/progress.js';
import { FakeClock } from '../../support/fake-clock.js';

function record(isTTY: boolean): {
  output: { isTTY: boolean; write(text: string): void };
  texts: string[];
} {
  const texts: string[] = [];
  return { output: { isTTY, write: (text) => texts.push(text) }, texts };
}

test('on a terminal a bar is drawn into the same line, and cleared at the end', () => {
  const { output, texts } = record(true);
  const clock = new FakeClock();
  const progress = new Progress(output, 'replaying', clock.nowMs);
  progress.update(0.1, 10);
  expect(texts).toEqual([]);
  clock.advance(100);
  progress.update(0.5, 1_234);
  progress.update(0.6, 1_235);
  expect(texts).toHaveLength(1);
  expect(texts[0]).toMatch(/^\r.*replaying +█{15}░{15} +50 % +1,234 requests$/);
  clock.advance(100);
  progress.update(7, 2_000);
  expect(texts[1]).toMatch(/█{30} +100 %/);
  progress.end();
  expect(texts[2]).toMatch(/^\r/);
});

test('elsewhere a line is written now and then', () => {
  const { output, texts } = record(false);
  const clock = new FakeClock();
  const progress = new Progress(output, 'replaying', clock.nowMs);
  for (let second = 0; second < 12; second += 1) {
    clock.advance(1_000);
    progress.update(second / 12, second);
  }
  progress.end();
  expect(texts).toEqual(['replaying:  33 %  4 requests\n', 'replaying:  75 %  9 requests\n']);
});
