import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adaptSizeText } from '../../../bench/replay/formats/adaptsize-text.js';
import { arcLis } from '../../../bench/replay/formats/arc-lis.js';
import { combinedLog } from '../../../bench/replay/formats/combined-log.js';
import { lirsText } from '../../../bench/replay/formats/lirs-text.js';
import { namedCsv } from '../../../bench/replay/formats/named-csv.js';
import { TRACE_FORMATS } from '../../../bench/replay/formats/registry.js';
import { twitterCsv } from '../../../bench/replay/formats/twitter-csv.js';
import { ReplayError } from '../../../bench/replay/replay-error.js';
import { readTrace, written } from './read-trace.js';

const SEED = 0x5eed42;
const VISITOR = '203.0.113.7 - - [10/Oct/2026:13:55:36 +0000]';

describe('combined log', () => {
  test('the path with its query of a GET is the key, the response size the value', async () => {
    const { records, tally } = await readTrace(
      combinedLog,
      [
        `${VISITOR} "GET /a?b=1&c=%20 HTTP/1.1" 200 2326 "http://example.com/" "Mozilla (X; Y)"`,
        `${VISITOR} "GET /common-log HTTP/1.0" 404 12`,
        `${VISITOR} "GET / HTTP/2.0" 304 0 "-" "a"`,
        `${VISITOR} "GET /no-size HTTP/1.1" 200 - "-" "a"`,
        `shop.example:80 ${VISITOR} "GET /with host HTTP/1.1" 200 7 "-" "a"`,
        `::1 - frank [10/Oct/2026:13:55:36 +0000] "GET /quote\\"d HTTP/1.1" 200 5 "-" "-"`,
        `${VISITOR} "GET /old-protocol" 200 9`,
      ].join('\n'),
    );
    expect(written(records)).toEqual([
      'get /a?b=1&c=%20 2326',
      'get /common-log 12',
      'get /',
      'get /no-size',
      'get /with host 7',
      'get /quote\\"d 5',
      'get /old-protocol 9',
    ]);
    expect(tally).toMatchObject({ malformed: 0, skipped: 0 });
  });

  test('other methods and what is no request are skipped', async () => {
    const { records, tally } = await readTrace(
      combinedLog,
      [
        `${VISITOR} "POST /form HTTP/1.1" 200 10 "-" "a"`,
        `${VISITOR} "HEAD / HTTP/1.1" 200 0 "-" "a"`,
        `${VISITOR} "-" 408 0 "-" "-"`,
        `${VISITOR} "\\x16\\x03\\x01" 400 226 "-" "-"`,
        '',
      ].join('\n'),
    );
    expect(records).toEqual([]);
    expect(tally).toMatchObject({ malformed: 0, skipped: 4 });
  });

  test('a line that ends early or has no status is malformed', async () => {
    const { tally } = await readTrace(
      combinedLog,
      [
        `${VISITOR} "GET /a HTTP/1.1" 200 5`,
        `${VISITOR} "GET /cut`,
        `${VISITOR} "GET /b HTTP/1.1" ok 5`,
        `${VISITOR} "GET /c HTTP/1.1"`,
        'no log at all',
      ].join('\n'),
    );
    expect(tally).toMatchObject({ records: 1, malformed: 4 });
    expect(tally.firstMalformed).toContain('line 2');
  });
});

describe('CSV with named columns', () => {
  test.each([
    ['key', 'lbn,key\n1,2\n'],
    ['lbn', 'version,time,op,lbn\n1,5,2a,2\n'],
    ['path', 'time_s,path\n1,2\n'],
    ['id', 'bytes,id\nx,2\n'],
    ['obj_id', 'OBJ_ID;other\n2;3\n'],
    ['key, tabs and a byte order mark', '\ufeffkey\ttime\r\n2\t9\r\n'],
  ])('finds the column %s by itself', async (_, text) => {
    const { records, tally } = await readTrace(namedCsv, text);
    expect(written(records)).toEqual(['get 2']);
    expect(tally).toMatchObject({ skipped: 1, malformed: 0 });
  });

  test('--column names another one, in any case', async () => {
    const { records } = await readTrace(namedCsv, 'key,Session\n1,abc\n', { keyColumn: 'session' });
    expect(written(records)).toEqual(['get abc']);
  });

  test('size and op columns are honoured, unknown operations are accesses', async () => {
    const { records } = await readTrace(
      namedCsv,
      'op_time,key,key_size,op,op_count,size\n' +
        '1,a,1,GET,3,87\n1,b,1,SET,1,5\n1,c,1,DELETE,1,0\n' +
        '1,d,1,GET_LEASE,1,6\n1,e,1,SET_LEASE,1,7\n1,f,1,2a,1,\n1,g,1,get,1,-1\n',
    );
    expect(written(records)).toEqual([
      'get a 87',
      'set b 5',
      'delete c 0',
      'get d 6',
      'set e 7',
      'get f',
      'get g',
    ]);
  });

  test('quotes enclose delimiters, and a last key column may hold them bare', async () => {
    const { records, tally } = await readTrace(
      namedCsv,
      'bytes,path\n1,"a,""b"""\n2,/x,y\n3,plain\n4,"",\n5,"open\n6,"a"b\n7\n8,\n',
    );
    expect(written(records)).toEqual(['get a,"b" 1', 'get /x,y 2', 'get plain 3', 'get , 4']);
    expect(tally).toMatchObject({ malformed: 4, firstMalformed: 'line 6: "5,\\"open"' });
  });

  test('a header without the column is refused, with the nearest name', async () => {
    const reading = readTrace(namedCsv, 'time,sesion\n1,2\n', { keyColumn: 'session' });
    await expect(reading).rejects.toThrow(/line 1: no column "session".*did you mean "sesion"/);
    await expect(readTrace(namedCsv, 'time,who\n1,2\n')).rejects.toThrow(/--column/);
    await expect(readTrace(namedCsv, '"time,who\n1,2\n')).rejects.toThrow(ReplayError);
  });
});

describe('ARC lis', () => {
  test('a line stands for count blocks from start', async () => {
    const { records, tally } = await readTrace(arcLis, '7 1 0 1\n100 3 0 2\n');
    expect(written(records)).toEqual(['get 7', 'get 100', 'get 101', 'get 102']);
    expect(tally).toMatchObject({ records: 4, malformed: 0 });
  });

  test('damaged lines and absurd counts are malformed', async () => {
    const lines = ['7 1 0', '7 x 0 1', '7 0 0 1', '-7 1 0 1', '7 99999999999 0 1', '7 1 0 1 5'];
    const { records, tally } = await readTrace(arcLis, lines.join('\n'));
    expect(records).toEqual([]);
    expect(tally.malformed).toBe(lines.length);
  });
});

test('LIRS: one key a line, marks are skipped', async () => {
  const { records, tally } = await readTrace(lirsText, '12\n*\n\n 13 \r\nname\n1 2\n9');
  expect(written(records)).toEqual(['get 12', 'get 13', 'get name', 'get 9']);
  expect(tally).toMatchObject({ skipped: 2, malformed: 1 });
});

test('AdaptSize: time, id and size', async () => {
  const { records, tally } = await readTrace(adaptSizeText, '1 0 68\n2.5 17 7454\n3 4\n3 a 1\n');
  expect(written(records)).toEqual(['get 0 68', 'get 17 7454']);
  expect(tally.malformed).toBe(2);
});

describe('Twitter', () => {
  test.each([
    ['get', 'get'],
    ['gets', 'get'],
    ['set', 'set'],
    ['add', 'set'],
    ['replace', 'set'],
    ['cas', 'set'],
    ['append', 'set'],
    ['prepend', 'set'],
    ['incr', 'set'],
    ['decr', 'set'],
    ['delete', 'delete'],
  ])('%s is a %s', async (name, operation) => {
    const { records } = await readTrace(twitterCsv, `0,nz:u:eee,11,55,4,${name},2592000\n`);
    expect(written(records)).toEqual([`${operation} nz:u:eee 55`]);
  });

  test('a comma may be part of the key; wrong columns are malformed', async () => {
    const { records, tally } = await readTrace(
      twitterCsv,
      '0,a,b,3,55,4,get,0\n0,a,1,55,4,fetch,0\n0,a,1,x,4,get,0\n0,,0,1,4,get,0\n0,a,1,5,4,get\n',
    );
    expect(written(records)).toEqual(['get a,b 55']);
    expect(tally.malformed).toBe(4);
  });
});

const textFormats = TRACE_FORMATS.filter((format) => format.kind === 'text');

test.each(textFormats)('$name: any text is parsed or counted, never fatal', async (format) => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom(...'019 ,*"\\[]-GETabc/\t;é') }));
  const property = fc.asyncProperty(lines, fc.integer({ min: 1, max: 40 }), async (texts, size) => {
    const header = format.name === 'csv' ? ['op,key,size'] : [];
    const content = [...header, ...texts].join('\n');
    const whole = await readTrace(format, content);
    const { records, skipped, malformed } = whole.tally;
    expect(records).toBe(whole.records.length);
    expect(whole.records.every(({ key }) => key.length > 0)).toBe(true);
    // No line of these letters holds a count that makes more than one request of it.
    if (format.name !== 'arc') {
      const lineCount = content === '' ? 0 : content.replace(/\n$/, '').split('\n').length;
      expect(records + skipped + malformed).toBe(lineCount);
    }
    expect(await readTrace(format, content, { chunkBytes: size })).toEqual(whole);
  });
  await fc.assert(property, { seed: SEED, numRuns: 100 });
});
