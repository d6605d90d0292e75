/**
 * What a setting may be: one schema for text (environment, flags) and one for the config file,
 * where JSON has numbers, booleans and lists of its own. Both give the same value.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';

export interface SettingForm<T> {
  /** How the value is written, for documents and messages. */
  readonly form: string;
  /** Whether the name of the setting alone says yes on the command line. Default: no. */
  readonly isFlag?: boolean;
  readonly text: z.ZodType<T>;
  readonly file: z.ZodType<T>;
  /** The value as text that `text` reads as the same value. */
  show(value: T): string;
}

type Reading<T> = { readonly value: T } | { readonly problem: string };

const KIB = 1_024;
const MIB = 1_024 ** 2;
const UNIT_BYTES: ReadonlyMap<string, number> = new Map([
  ['gb', 1_024 ** 3],
  ['mb', MIB],
  ['kb', KIB],
  ['b', 1],
]);
const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
]);
/** A whole number and a unit. Longer texts are refused unread. */
const AMOUNT = /^([0-9]{1,16})([a-z]{0,2})$/;
const HOST_NAME = /^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?$/;
const URL_PATH = /^(\/[a-zA-Z0-9._~-]{1,64}){1,8}$/;
const QUOTED_CHARACTERS_MAX = 40;
const PATH_CHARACTERS_MAX = 4_096;

/** A short, safe form of what was given. */
function quote(value: unknown): string {
  // Nothing of an object: it may be nested deeper than the stack.
  if (typeof value === 'object' && value !== null) {
    return Array.isArray(value) ? 'a list' : 'an object';
  }
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= QUOTED_CHARACTERS_MAX + 2
    ? text
    : `${text.slice(0, QUOTED_CHARACTERS_MAX)}…`;
}

/** A schema that is one reading: its problem is the whole message. */
function schemaOf<T>(read: (given: unknown) => Reading<T>): z.ZodType<T> {
  return z.unknown().transform((given, context) => {
    const reading = read(given);
    if ('value' in reading) return reading.value;
    context.addIssue({ code: 'custom', message: reading.problem });
    return z.NEVER;
  });
}

function textReader<T>(form: string, read: (text: string) => Reading<T>): z.ZodType<T> {
  return schemaOf((given) =>
    typeof given === 'string' ? read(given) : { problem: `${quote(given)} is not ${form}` },
  );
}

function amountOf(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const match = AMOUNT.exec(text.toLowerCase());
  const unit = match === null ? undefined : units.get(match[2] ?? '');
  return unit === undefined ? undefined : Number(match?.[1]) * unit;
}

interface Range {
  readonly min: number;
  readonly max: number;
}

/** Amounts: a number with a unit as text, a number of the plain unit in the file. */
function amountForm(
  form: string,
  range: Range,
  units: ReadonlyMap<string, number>,
  plainUnit: number,
  show: (value: number) => string,
): SettingForm<number> {
  const withPlain = new Map([...units, ['', plainUnit]]);
  const check = (given: unknown, value: number | undefined): Reading<number> => {
    if (value === undefined) return { problem: `${quote(given)} is not ${form}` };
    if (value >= range.min && value <= range.max) return { value };
    return {
      problem: `${quote(given)} is out of range: ${show(range.min)} to ${show(range.max)}`,
    };
  };
  return {
    form: `${form}, ${show(range.min)} to ${show(range.max)}`,
    text: textReader(form, (text) => check(text, amountOf(text, withPlain))),
    file: schemaOf((given) => {
      if (typeof given === 'number') {
        const isWhole = Number.isSafeInteger(given) && given >= 0;
        // Added to 0, so that -0 is 0.
        return check(given, isWhole ? 0 + given * plainUnit : undefined);
      }
      const text = typeof given === 'string' && units.size > 0 ? given : undefined;
      return check(given, text === undefined ? undefined : amountOf(text, withPlain));
    }),
    show,
  };
}

/** The value in the largest unit that divides it. */
function showIn(units: ReadonlyMap<string, number>): (value: number) => string {
  return (value) => {
    for (const [unit, size] of units) {
      if (value !== 0 && value % size === 0) return `${value / size}${unit}`;
    }
    return '0';
  };
}

/** A whole number within bounds. In the file it is a number: `8`, not `"8"`. */
export function integer(min: number, max: number): SettingForm<number> {
  return amountForm('a whole number', { min, max }, new Map(), 1, String);
}

/** Bytes, within bounds in bytes; units are multiples of 1,024. */
export function byteSize(min: number, max: number): SettingForm<number> {
  const form = 'bytes, or a size such as 64kb (kb, mb, gb)';
  return amountForm(form, { min, max }, UNIT_BYTES, 1, showIn(UNIT_BYTES));
}

/** Bytes, within bounds in bytes, whose plain number means MiB. */
export function mebibytes(min: number, max: number): SettingForm<number> {
  const form = 'a number of MiB, or a size such as 1gb (kb, mb, gb)';
  return amountForm(form, { min, max }, UNIT_BYTES, MIB, (value) =>
    value % MIB === 0 ? String(value / MIB) : showIn(UNIT_BYTES)(value),
  );
}

/** Milliseconds, within bounds in milliseconds, whose plain number means seconds. */
export function duration(min: number, max: number): SettingForm<number> {
  const form = 'seconds, or a duration such as 90s (ms, s, m, h, d, w)';
  return amountForm(form, { min, max }, UNIT_MS, 1_000, showIn(UNIT_MS));
}

/** Another form, or one word that means a value of its own. */
export function orWord<T, const W>(
  base: SettingForm<T>,
  word: string,
  value: W,
): SettingForm<T | W> {
  const either = (schema: z.ZodType<T>): z.ZodType<T | W> =>
    schemaOf<T | W>((given) => {
      if (given === word) return { value };
      const result = schema.safeParse(given);
      if (result.success) return { value: result.data };
      return { problem: `${result.error.issues[0]?.message ?? ''}, nor ${word}` };
    });
  return {
    form: `${base.form}, or ${word}`,
    text: either(base.text),
    file: either(base.file),
    show: (shown) => (shown === value ? word : base.show(shown as T)),
  };
}

export const flag: SettingForm<boolean> = {
  form: 'true or false',
  isFlag: true,
  text: textReader('true or false', (text) =>
    text === 'true' || text === 'false'
      ? { value: text === 'true' }
      : { problem: `${quote(text)} is neither true nor false` },
  ),
  file: z.boolean({ error: ({ input }) => `${quote(input)} is neither true nor false` }),
  show: String,
};

/** Text that is the same in all sources. */
function textForm(form: string, isValid: (text: string) => boolean): SettingForm<string> {
  const schema = textReader(form, (text) =>
    isValid(text) ? { value: text } : { problem: `${quote(text)} is not ${form}` },
  );
  return { form, text: schema, file: schema, show: (value) => value };
}

/** One of several words. */
export function choice<const T extends string>(...words: readonly T[]): SettingForm<T> {
  const form = words.length === 2 ? words.join(' or ') : `one of ${words.join(', ')}`;
  const schema = z.enum(words as readonly [T, ...T[]], {
    error: ({ input }) => `${quote(input)} is not ${form}`,
  }) as unknown as z.ZodType<T>;
  return { form, text: schema, file: schema, show: (value) => value };
}

export const hostName: SettingForm<string> = textForm(
  'an IP address or a host name',
  (text) => isIPv4(text) || isIPv6(text) || HOST_NAME.test(text),
);

/** The path of a file; the empty text for none. */
export const filePath: SettingForm<string> = textForm(
  'a path of a file',
  (text) => text.length <= PATH_CHARACTERS_MAX && !text.includes('\0'),
);

export const urlPath: SettingForm<string> = textForm('a path such as /metrics', (text) =>
  URL_PATH.test(text),
);

function isOrigin(text: string): boolean {
  // A star is a character of a host name to `URL`, and a wildcard to whoever writes it.
  if (!/^https?:\/\/[^*]+$/.test(text) || !URL.canParse(text)) return false;
  return new URL(text).origin === text;
}

const ORIGINS_FORM = 'origins such as https://app.example, between commas (in the file a list)';

function readOrigins(given: readonly unknown[]): Reading<readonly string[]> {
  const origins = given.filter((origin) => typeof origin === 'string');
  const wrong = given.find((origin) => typeof origin !== 'string' || !isOrigin(origin));
  if (wrong === undefined) return { value: Object.freeze([...new Set(origins)]) };
  return { problem: `${quote(wrong)} is no origin such as https://app.example` };
}

export const originList: SettingForm<readonly string[]> = {
  form: ORIGINS_FORM,
  text: textReader(ORIGINS_FORM, (text) =>
    readOrigins(text === '' ? [] : text.split(',').map((origin) => origin.trim())),
  ),
  file: schemaOf((given) =>
    Array.isArray(given) ? readOrigins(given) : { problem: `${quote(given)} is no list` },
  ),
  show: (origins) => origins.join(','),
};

/** Whether only this machine can reach the address. A name other than `localhost` may mean any. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
