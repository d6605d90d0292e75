import { InexactConversionError } from './inexact-conversion.js';

/** From here on numbers are written with an exponent. */
const EXPONENT_FROM = 1e21;

/**
 * Writes decoded values as JSON text. `JSON.stringify` would change what JSON can hold: integers
 * beyond 2^53, the sign of zero, members of Maps.
 */
export class JsonWriter {
  /** Values written, names of members not counted. */
  valueCount = 0;
  private text = '';

  /** @throws {InexactConversionError} for what JSON has no word for */
  write(value: unknown): string {
    this.append(value);
    return this.text;
  }

  private append(value: unknown): void {
    this.valueCount += 1;
    if (typeof value === 'string') this.text += JSON.stringify(value);
    else if (typeof value === 'number') this.text += formatNumber(value);
    else if (value === null || typeof value === 'boolean' || typeof value === 'bigint') {
      this.text += String(value);
    } else if (Array.isArray(value)) this.appendArray(value);
    else if (value instanceof Map) this.appendMembers(value);
    else if (isRecord(value)) this.appendMembers(Object.entries(value));
    else throw new InexactConversionError('JSON has no word for a part of the value');
  }

  private appendArray(items: readonly unknown[]): void {
    let separator = '[';
    for (const item of items) {
      this.text += separator;
      this.append(item);
      separator = ',';
    }
    this.text += items.length === 0 ? '[]' : ']';
  }

  private appendMembers(members: Iterable<readonly [unknown, unknown]>): void {
    let separator = '{';
    for (const [name, value] of members) {
      if (typeof name !== 'string') {
        throw new InexactConversionError('the names of members are not all text');
      }
      this.text += `${separator}${JSON.stringify(name)}:`;
      this.append(value);
      separator = ',';
    }
    this.text += separator === '{' ? '{}' : '}';
  }
}

function formatNumber(value: number): string {
  if (!Number.isFinite(value)) {
    throw new InexactConversionError(`JSON has no word for the number ${value}`);
  }
  if (Object.is(value, -0)) return '-0';
  // Beyond 2^53 JavaScript fills up with zeros: the same double, but another integer.
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return String(value);
  return Math.abs(value) < EXPONENT_FROM ? BigInt(value).toString() : String(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
}
