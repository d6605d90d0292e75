import { describe, expect, test } from 'vitest';
import { ProgressBar, withProgress } from '../../../../server/cli/progress-bar.js';
import {
  formatBytes,
  formatCount,
  formatMs,
  formatShare,
  formatUptime,
} from '../../../../server/cli/quantities.js';
import { entryTarget } from '../../../../server/cli/service-connection.js';
import { colorsFor, oneLine, type TextOutput } from '../../../../server/cli/terminal-text.js';

interface OutputDouble extends TextOutput {
  written: string;
}

function outputDouble(isTTY: boolean, columns = 80): OutputDouble {
  return {
    isTTY,
    columns,
    written: '',
    write(text: string | Uint8Array): boolean {
      this.written += String(text);
      return true;
    },
  };
}

describe('a progress bar', () => {
  test('stays in its line, is drawn now and then, and leaves nothing', () => {
    let now = 0;
    const output = outputDouble(true);
    const bar = new ProgressBar(output, 'listing', () => now);
    bar.update(0.5, '5 keys');
    bar.update(0.6, 'unseen');
    now += 1_000;
    bar.update(2, 'all');
    expect(output.written).toContain('listing  ███████████████░░░░░░░░░░░░░░░  50 %  5 keys');
    expect(output.written).toContain('100 %  all');
    expect(output.written).not.toContain('unseen');
    expect(output.written).not.toContain('\n');
    bar.end();
    bar.end();
    expect(output.written.endsWith('\r\u001b[K')).toBe(true);
  });

  test('of unknown length moves, and is cut to the terminal', () => {
    const output = outputDouble(true, 20);
    new ProgressBar(output, 'invalidating', () => 300).update(undefined, '3 s');
    expect(output.written.replace('\r\u001b[K', '')).toBe('invalidating  ░░░██');
  });

  test('is silent where there is no terminal', async () => {
    const output = outputDouble(false);
    const bar = new ProgressBar(output, 'listing');
    bar.update(0.5, '');
    bar.end();
    expect(await withProgress(output, 'waiting', Promise.resolve(7))).toBe(7);
    expect(output.written).toBe('');
  });

  test('of a promise ends with it, however it ends', async () => {
    const output = outputDouble(true);
    const work = new Promise<void>((_, reject) => {
      setTimeout(() => reject(new Error('refused')), 99);
    });
    await expect(withProgress(output, 'waiting', work)).rejects.toThrow('refused');
  });
});

describe('text on a terminal', () => {
  test('has colours on a terminal alone, and never with NO_COLOR', () => {
    const terminal = outputDouble(true);
    expect(colorsFor(terminal, {}).red('x')).not.toBe('x');
    expect(colorsFor(terminal, { NO_COLOR: '1' }).red('x')).toBe('x');
    expect(colorsFor(terminal, { NO_COLOR: '' }).red('x')).not.toBe('x');
    expect(colorsFor(terminal, { TERM: 'dumb' }).red('x')).toBe('x');
    expect(colorsFor(outputDouble(false), {}).red('x')).toBe('x');
  });

  test('of strangers moves no cursor', () => {
    expect(oneLine('a\u001b[2Jb\r\n\u009bc\u2028ü')).toBe(
      'a\\u001b[2Jb\\u000d\\u000a\\u009bc\\u2028ü',
    );
  });

  test('has numbers with their units', () => {
    expect([0, 1_023, 1_536, 200 * 1_024 ** 2, 3 * 1_024 ** 4].map(formatBytes)).toEqual([
      '0 B',
      '1023 B',
      '1.5 KiB',
      '200 MiB',
      '3072 GiB',
    ]);
    expect(formatCount(1_234_567.4)).toBe('1,234,567');
    expect(formatShare(0.934)).toBe('93.4 %');
    expect([0.123, 9.99, 12.34].map(formatMs)).toEqual(['0.12 ms', '9.99 ms', '12.3 ms']);
    expect([5, 65, 3_700, 200_000].map(formatUptime)).toEqual(['5s', '1m 5s', '1h 1m', '2d 7h']);
  });
});

test('the path of an entry holds its key, whatever it is', () => {
  expect(entryTarget('a/b ü?')).toBe('/cache/a%2Fb%20%C3%BC%3F');
  expect(entryTarget('..')).toBe('/cache/%2E%2E');
  expect(entryTarget('.')).toBe('/cache/%2E');
});
