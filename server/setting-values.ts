/** Readers of the text of one setting: the value, or the problem with it. */
import { isIPv4, isIPv6 } from 'node:net';

export type Reading<T> =
  | { readonly isValid: true; readonly value: T }
  | { readonly isValid: false; readonly problem: string };

/** What a setting takes, and how it is read. */
export interface ValueReader<T> {
  /** How the value is written, for `--help`. */
  readonly form: string;
  readonly read: (text: string) => Reading<T>;
}

const UNIT_BYTES: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1_024],
  ['mb', 1_024 ** 2],
  ['gb', 1_024 ** 3],
]);
const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
]);
/** A whole number and a unit. Longer texts are refused unread. */
const AMOUNT = /^([0-9]{1,16})([a-z]{0,2})$/;
const HOST_NAME = /^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?$/;

function valid<T>(value: T): Reading<T> {
  return { isValid: true, value };
}

function invalid<T>(problem: string): Reading<T> {
  return { isValid: false, problem };
}

/** A short, safe form of what was given. */
function quote(text: string): string {
  return JSON.stringify(text.length <= 40 ? text : `${text.slice(0, 40)}…`);
}

function readAmount(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const match = AMOUNT.exec(text.toLowerCase());
  const unit = match === null ? undefined : units.get(match[2] ?? '');
  return unit === undefined ? undefined : Number(match?.[1]) * unit;
}

function within(
  amount: number | undefined,
  min: number,
  max: number,
  form: string,
  text: string,
): Reading<number> {
  if (amount === undefined) return invalid(`${quote(text)} is not ${form}`);
  if (amount >= min && amount <= max) return valid(amount);
  return invalid(`${quote(text)} is out of range: ${min} to ${max}`);
}

/** A whole number within bounds. */
export function integer(min: number, max: number): ValueReader<number> {
  const form = `a whole number from ${min} to ${max}`;
  const noUnits = new Map([['', 1]]);
  return { form, read: (text) => within(readAmount(text, noUnits), min, max, form, text) };
}

/** Bytes, within bounds in bytes; units are multiples of 1,024. */
export function byteSize(min: number, max: number): ValueReader<number> {
  const form = 'a size such as 256mb (b, kb, mb, gb)';
  return { form, read: (text) => within(readAmount(text, UNIT_BYTES), min, max, form, text) };
}

/** Milliseconds, within bounds in milliseconds. */
export function duration(min: number, max: number): ValueReader<number> {
  const form = 'a duration such as 90s (ms, s, m, h, d, w)';
  return { form, read: (text) => within(readAmount(text, UNIT_MS), min, max, form, text) };
}

/** Another reader's value, or `Infinity` for `never`. */
export function orNever(reader: ValueReader<number>): ValueReader<number> {
  return {
    form: `${reader.form}, or never`,
    read: (text) => (text === 'never' ? valid(Number.POSITIVE_INFINITY) : reader.read(text)),
  };
}

export const flag: ValueReader<boolean> = {
  form: 'true or false',
  read: (text) =>
    text === 'true' || text === 'false'
      ? valid(text === 'true')
      : invalid(`${quote(text)} is neither true nor false`),
};

export const hostName: ValueReader<string> = {
  form: 'an IP address or a host name',
  read: (text) =>
    isIPv4(text) || isIPv6(text) || HOST_NAME.test(text)
      ? valid(text)
      : invalid(`${quote(text)} is no IP address and no host name`),
};

/** Whether only this machine can reach the address. A name other than `localhost` may mean any. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
