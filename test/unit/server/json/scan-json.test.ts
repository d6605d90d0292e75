import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonValue } from '../../../../server/json/json-value.js';
import { checkJson, checkJsonInTurns, JSON_DEPTH_MAX } from '../../../../server/json/scan-json.js';

function check(text: string): string | undefined {
  return checkJson(Buffer.from(text))?.message;
}

function parses(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}

function spread(text: string, escapes: readonly number[]): string {
  const units = [...text].map((character, index) => {
    const code = character.charCodeAt(0);
    const isEscaped = (escapes[index % escapes.length] ?? 0) % 2 === 1 && character.length === 1;
    return isEscaped ? `\\u${code.toString(16).padStart(4, '0')}` : undefined;
  });
  const plain = [...text].map((character) => JSON.stringify(character).slice(1, -1));
  return `"${plain.map((character, index) => units[index] ?? character).join('')}"`;
}

describe('what is JSON', () => {
  test('is decided as by JSON.parse, for any document and white space', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom('', ' ', '\n\t\r '), (json, space) => {
        const text = space + JSON.stringify(JSON.parse(json), undefined, space) + space;
        expect(check(text)).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  test('is decided as by JSON.parse, for mutated documents', () => {
    const pieces = fc.constantFrom(
      ...['{', '}', '[', ']', ',', ':', '"', '\\', 'u', '0', '-', '.', 'e', 'E+', ' ', '\u0000'],
      ...['true', 'nul', '"a":', '\ufeff', '\u00e4', '\u2028', '1e', '\\ud800', '\n'],
    );
    const cut = fc.nat({ max: 200 });
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), cut, cut, pieces, (json, first, second, piece) => {
        const at = first % (json.length + 1);
        const text = json.slice(0, at) + piece + json.slice(at + (second % 3));
        const bytes = Buffer.from(text);
        const problem = checkJson(bytes);
        if (problem?.message.includes('two members')) return;
        expect(problem === undefined, text).toBe(parses(bytes));
      }),
      { numRuns: 5_000 },
    );
  });

  test('is decided as by JSON.parse, for any bytes', () => {
    const alphabet = Buffer.from(
      '{}[],:"\\u0e-+.1tfn \xc3\xa4\xed\xa0\x80\xf0\x9f\x98\x80',
      'latin1',
    );
    const byte = fc.constantFrom(...alphabet);
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 12 }), (list) => {
        const bytes = Uint8Array.from(list);
        const problem = checkJson(bytes);
        if (problem?.message.includes('two members')) return;
        expect(problem === undefined, Buffer.from(bytes).toString('latin1')).toBe(parses(bytes));
      }),
      { numRuns: 20_000 },
    );
  });

  test('H27: every prefix of a document is refused, at an offset within it', () => {
    const bytes = Buffer.from('{"a":[1,-2.5e+3,"\\u00e4\u00e4\u{1f600}",true,null],"b":{"c":{}}}');
    for (let length = 0; length < bytes.length; length++) {
      const problem = checkJson(bytes.subarray(0, length));
      expect(problem?.offsetBytes).toBeLessThanOrEqual(length);
      expect(problem?.message).toMatch(/at byte \d+$/);
    }
    expect(checkJson(bytes)).toBeUndefined();
  });

  test.each([
    ['nothing', '', 'the JSON ends before it is complete, at byte 0'],
    ['a byte order mark', '\ufeff{}', 'a byte order mark stands before the JSON, at byte 0'],
    ['trailing bytes', '{} x', 'something follows the JSON, at byte 3'],
    ['a second document', '1 2', 'something follows the JSON, at byte 2'],
    ['a trailing comma', '[1,]', 'no value begins here, at byte 3'],
    ['a missing comma', '[1 2]', 'a comma or the end of the array is missing, at byte 3'],
    ['another bracket', '{"a":1]', 'a comma or the end of the object is missing, at byte 6'],
    ['a name without quotes', '{a:1}', 'the name of a member is missing, at byte 1'],
    ['a missing colon', '{"a" 1}', 'the colon behind a name is missing, at byte 5'],
    ['a leading zero', '01', 'something follows the JSON, at byte 1'],
    ['a plus sign', '+1', 'no value begins here, at byte 0'],
    ['a fraction without digits', '[1.]', 'a digit of a number is missing, at byte 3'],
    ['NaN', 'NaN', 'no value begins here, at byte 0'],
    ['a raw line end', '"a\nb"', 'a character in a string must be escaped, at byte 2'],
    ['an unknown escape', '"\\x41"', 'no escape of JSON stands here, at byte 2'],
    ['a short escape', '"\\u12"', 'four hex digits must follow \\u, at byte 5'],
  ])('H27: %s', (_name, text, message) => {
    expect(check(text)).toBe(message);
  });

  test.each([
    ['a lone continuation byte', [0x22, 0x80, 0x22], 1],
    ['an overlong form', [0x22, 0x61, 0xc0, 0xae, 0x22], 2],
    ['a surrogate half in UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22], 1],
    ['a cut sequence', [0x22, 0xc3, 0xa4, 0xf0, 0x9f, 0x98], 3],
    ['a point above U+10FFFF', [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22], 1],
  ])('H27: %s is refused where it begins', (_name, list, offsetBytes) => {
    const problem = checkJson(Uint8Array.from(list));
    const message = `the text is not UTF-8, at byte ${offsetBytes}`;
    expect(problem).toEqual({ offsetBytes, message });
  });

  test('H28: 64 levels are taken, 65 and 100,000 are refused', () => {
    const nest = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(check(nest(JSON_DEPTH_MAX))).toBeUndefined();
    for (const depth of [65, 100_000]) {
      expect(check(nest(depth))).toBe('the JSON is nested deeper than 64 levels, at byte 64');
      expect(check('{"a":'.repeat(depth))).toMatch(/^the JSON is nested deeper than 64 levels/);
    }
  });

  test.each(['1e400', '9007199254740993', '-0', '"\\ud800"', '1.0000000000000000000001'])(
    'H29: %s is well-formed and nobody reads it as another value',
    (text) => expect(check(text)).toBeUndefined(),
  );
});

describe('H29: duplicate members', () => {
  test.each([
    ['{"a":1,"a":2}', 7],
    ['{"a":1,"\\u0061":2}', 7],
    ['{"\\u0061":1,"a":2}', 12],
    ['{"\u{1f600}":1,"\\ud83d\\ude00":2}', 10],
    ['{"":1,"":2}', 6],
    ['[{"x":{"b":1,"c":[{}],"b":2}}]', 22],
    ['{"__proto__":1,"__proto__":2}', 15],
  ])('%s is refused at byte %i', (text, offset) => {
    expect(check(text)).toBe(`an object has two members of one name, at byte ${offset}`);
  });

  test.each([
    '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
    '{"\\ud800":1,"\ufffd":2,"\\udc00":3}',
    '{"a":1,"A":2,"a ":3,"\u00e4":4,"a\u0308":5}',
    '[{"\\u0061":1},{"\\u0061":2},{"\\u0061\\u0062":3}]',
  ])('%s has none', (text) => {
    expect(check(text)).toBeUndefined();
  });

  test('are found in objects of any size, however their names are written', () => {
    const name = fc.string({ unit: 'grapheme', maxLength: 4 });
    const escapes = fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 5 });
    const member = fc.tuple(name, escapes, fc.boolean());
    fc.assert(
      fc.property(fc.array(member, { maxLength: 200 }), (members) => {
        const texts = members.map(([text, pattern, isNested]) => {
          return `${spread(text, pattern)}:${isNested ? '{"a":{"b":1},"\\u0063":[]}' : '0'}`;
        });
        const isDuplicate = new Set(members.map(([text]) => text)).size < members.length;
        const found = check(`{${texts.join(',')}}`);
        if (isDuplicate) expect(found).toMatch(/two members of one name/);
        else expect(found).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test('H23: 2^17 names that look like indexes are checked in a time of their number', () => {
    const count = 2 ** 17;
    const text = (factor: number): Buffer =>
      Buffer.from(
        `{${Array.from({ length: count }, (_, index) => `"${index * factor}":0`).join(',')}}`,
      );
    // Multiples of a power of two meet in a table whose hash is the number itself.
    const spreadOut = text(1);
    const crafted = text(2 ** 12);
    const durationMs = (bytes: Buffer): number => {
      const startMs = performance.now();
      expect(checkJson(bytes)).toBeUndefined();
      return performance.now() - startMs;
    };
    durationMs(spreadOut);
    const fastest = (bytes: Buffer): number =>
      Math.min(...Array.from({ length: 5 }, () => durationMs(bytes)));
    expect(fastest(crafted)).toBeLessThan(10 * fastest(spreadOut) + 10);
  });
});

describe('a large document', () => {
  const row = '{"id":[1e400,"\\ud800"],"name":"x"}';
  const large = (count: number, tail = ''): Buffer => {
    return Buffer.from(`{"a":[${Array(count).fill(row).join(',')}],"b":{"c":[]}${tail}}`);
  };

  test('is checked in turns, and found to be the same', async () => {
    const bytes = large(40_000);
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns += 1;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const { problem, longEnds } = await checkJsonInTurns(bytes);
    isDone = true;
    expect(problem).toBeUndefined();
    expect(checkJson(bytes)).toBeUndefined();
    expect(turns).toBeGreaterThan(3);
    const texts = (value: JsonValue): string[] =>
      [...value.members()].map(([name, member]) => `${name}${Buffer.from(member.text)}`);
    expect(texts(JsonValue.of(bytes, longEnds))).toEqual(texts(JsonValue.of(bytes)));
    expect([...longEnds.keys()]).toEqual([5, 0]);
  });

  test('H27: has the same faults, at the same places', async () => {
    const faults = [
      large(40_000, ',"a":1'),
      large(40_000).subarray(0, -1),
      Buffer.concat([large(40_000), Buffer.from('x')]),
      Buffer.concat([large(40_000), Buffer.of(0xff)]),
      Buffer.concat([Buffer.from('\ufeff'), large(40_000)]),
      Buffer.from('['.repeat(1_000_000)),
    ];
    const findings = await Promise.all(faults.map((bytes) => checkJsonInTurns(bytes)));
    const problems = findings.map(({ problem }) => problem);
    expect(problems).toEqual(faults.map((bytes) => checkJson(bytes)));
    expect(problems).not.toContain(undefined);
  });

  test('small or large, several at once do not meet', async () => {
    const documents = [large(20_000), large(30_000), Buffer.from('{"a":1}'), large(40_000)];
    const findings = await Promise.all(documents.map((bytes) => checkJsonInTurns(bytes)));
    expect(findings.map(({ problem }) => problem)).toEqual(documents.map(() => undefined));
  });
});
