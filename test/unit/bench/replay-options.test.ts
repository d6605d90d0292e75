import { describe, expect, test } from 'vitest';
import { TRACE_FORMATS } from '../../../bench/replay/formats/registry.js';
import { helpText, parseCommandLine, UsageError } from '../../../bench/replay/options.js';

const MIB = 1024 ** 2;

function problemsOf(...argv: string[]): string {
  try {
    parseCommandLine(argv);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return '';
}

describe('the command line', () => {
  test('a file alone takes the defaults', () => {
    expect(parseCommandLine(['trace.lis'])).toEqual({
      kind: 'run',
      file: 'trace.lis',
      memoryBytes: 64 * MIB,
      entriesMax: undefined,
      destination: { kind: 'engine' },
      formatName: undefined,
      keyColumn: undefined,
      shards: undefined,
      fixedValueBytes: undefined,
      requestsMax: undefined,
      jsonFile: undefined,
    });
  });

  test('every option is read, in both forms and in any order', () => {
    const argv = ['--memory', '1gb', '--entries=5', '--format', 'arc', 'f', '--column=key'];
    const rest = ['--shards', '8', '--value-bytes', '2kb', '--limit', '9', '--json', 'out.json'];
    expect(parseCommandLine([...argv, ...rest])).toMatchObject({
      file: 'f',
      memoryBytes: 1024 * MIB,
      entriesMax: 5,
      formatName: 'arc',
      keyColumn: 'key',
      shards: 8,
      fixedValueBytes: 2_048,
      requestsMax: 9,
      jsonFile: 'out.json',
    });
    expect(parseCommandLine(['f', '--memory', '8388608'])).toMatchObject({ memoryBytes: 8 * MIB });
    expect(parseCommandLine(['f', '--value-bytes', '0'])).toMatchObject({ fixedValueBytes: 0 });
  });

  test('--http stands alone, or takes the URL that follows', () => {
    const started = { destination: { kind: 'new-server' } };
    expect(parseCommandLine(['--http', 'f'])).toMatchObject({ file: 'f', ...started });
    expect(parseCommandLine(['f', '--http', '--limit', '3'])).toMatchObject(started);
    const running = {
      file: 'f',
      destination: { kind: 'server', base: new URL('http://127.0.0.1:1/') },
    };
    expect(parseCommandLine(['--http', 'http://127.0.0.1:1', 'f'])).toMatchObject(running);
    expect(parseCommandLine(['f', '--http=http://127.0.0.1:1'])).toMatchObject(running);
  });

  test('help is answered whatever else is wrong', () => {
    expect(parseCommandLine(['--help'])).toEqual({ kind: 'help' });
    expect(parseCommandLine(['-h', '--memory', 'x'])).toEqual({ kind: 'help' });
  });

  test('all mistakes come in one error', () => {
    const text = problemsOf('--memroy', '64mb', '--entries', '0', '--shards', '65', '--limit');
    expect(text).toMatch(/unknown option --memroy, did you mean --memory\?/);
    expect(text).toMatch(/--entries must be 1 to 16,777,215, not "0"/);
    expect(text).toMatch(/--shards must be 1 to 64/);
    expect(text).toMatch(/--limit needs a value/);
  });

  test.each([
    [['--memory', '7mb', 'f'], /--memory must be 8,388,608 to/],
    [['--memory', '4gb', 'f'], /--memory/],
    [['--memory', '64 mb', 'f'], /--memory/],
    [['--value-bytes', '-1', 'f'], /--value-bytes/],
    [['--limit', '1e3', 'f'], /--limit/],
    [['--http', 'https://127.0.0.1/', 'f'], /--http takes an http:\/\/ URL/],
    [['--http=ftp', 'f'], /--http takes/],
    [[], /the file of the trace is missing/],
    [['a', 'b'], /one file at a time/],
  ])('%j is refused', (argv, message) => {
    expect(problemsOf(...argv)).toMatch(message);
  });
});

test('the help names every option and format', () => {
  const text = helpText();
  for (const format of TRACE_FORMATS) expect(text).toContain(`  ${format.name} `);
  for (const option of ['--memory', '--entries', '--http', '--format', '--column', '--shards']) {
    expect(text).toContain(`  ${option} `);
  }
  for (const option of ['--value-bytes', '--limit', '--json', '--help']) {
    expect(text).toContain(`  ${option} `);
  }
  expect(text).toMatch(/exact LRU .* same capacity/);
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
});
