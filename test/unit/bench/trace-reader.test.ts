import { describe, expect, test } from 'vitest';
import { lirsText } from '../../../bench/replay/formats/lirs-text.js';
import { LINE_BYTES_MAX } from '../../../bench/replay/trace-reader.js';
import { readTrace, written } from './read-trace.js';

describe('lines', () => {
  test('line ends of both kinds, and a last line without one', async () => {
    const { records } = await readTrace(lirsText, 'a\r\nb\nc\r\nd', { chunkBytes: 2 });
    expect(written(records)).toEqual(['get a', 'get b', 'get c', 'get d']);
  });

  test('a character may lie across two chunks', async () => {
    const { records } = await readTrace(lirsText, 'ключ\n鍵\n', { chunkBytes: 1 });
    expect(written(records)).toEqual(['get ключ', 'get 鍵']);
  });

  test('an endless line is one malformed line and costs no memory', async () => {
    const content = `a\n${'x'.repeat(LINE_BYTES_MAX * 3)}\nb\n${'y'.repeat(LINE_BYTES_MAX + 70_000)}`;
    const { records, tally } = await readTrace(lirsText, content);
    expect(written(records)).toEqual(['get a', 'get b']);
    expect(tally).toMatchObject({
      malformed: 2,
      firstMalformed: `line 2: longer than ${LINE_BYTES_MAX} bytes`,
    });
  });

  test('the first malformed line is kept with its number, shortened', async () => {
    const { tally } = await readTrace(lirsText, `a\n${'b '.repeat(500)}\nc d\n`);
    expect(tally.malformed).toBe(2);
    expect(tally.firstMalformed).toMatch(/^line 2: "b b .*…"$/);
    expect(tally.firstMalformed?.length).toBeLessThan(150);
  });
});

describe('keys', () => {
  test('a key that the engine would refuse is replaced by its digest', async () => {
    const longest = 'k'.repeat(1_024);
    const { records } = await readTrace(
      lirsText,
      [longest, `${longest}1`, `${longest}2`, `${longest}1`, 'é'.repeat(513)].join('\n'),
    );
    const keys = records.map(({ key }) => key);
    expect(keys[0]).toBe(longest);
    for (const key of keys.slice(1)) expect(key).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(keys[1]).toBe(keys[3]);
    expect(new Set(keys).size).toBe(4);
  });

  test('bytes that are no UTF-8 still give a key that the engine takes', async () => {
    const { records } = await readTrace(
      lirsText,
      Buffer.from([0x61, 0xff, 0x62, 0xed, 0xa0, 0x80]),
    );
    expect(written(records)).toEqual(['get a\ufffdb\ufffd\ufffd\ufffd']);
  });
});
