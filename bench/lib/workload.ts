import { createRandom, type Random } from './random.js';

/** Bytes in every value of the byte workloads. */
export const VALUE_BYTES = 100;

/** Distinct values; a power of two, so that choosing one costs a mask. */
const VALUE_COUNT = 1024;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** A small object whose JSON has about 100 bytes. */
export interface BenchObject {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly active: boolean;
  readonly score: number;
}

/** Keys and values that all contenders of a row share. */
export interface Workload {
  /** Flat strings of 16 ASCII characters. */
  readonly keys: readonly string[];
  /** Values of 100 ASCII bytes; at the start entry i holds `values[i & valueMask]`. */
  readonly values: readonly Buffer[];
  /** The same values as strings. */
  readonly texts: readonly string[];
  readonly valueMask: number;
}

/**
 * The key of an entry, 16 bytes. Made by way of bytes because a concatenated string is a tree
 * that each first use would have to flatten.
 */
export function benchKey(index: number): string {
  return Buffer.from(`user:${String(index).padStart(11, '0')}`, 'latin1').toString('latin1');
}

/** The object of an entry, made anew at each call. */
export function benchObject(index: number): BenchObject {
  return {
    id: index,
    name: `Customer ${index}`,
    email: `customer${index}@mail.example`,
    active: index % 3 !== 0,
    score: (index * 7) % 1000,
  };
}

function createText(random: Random): string {
  let text = '';
  for (let length = 0; length < VALUE_BYTES; length++) {
    text += ALPHABET[random.below(ALPHABET.length)];
  }
  return text;
}

/** Makes the keys and values of a row; the same seed gives the same ones. */
export function createWorkload(entryCount: number, seed: number): Workload {
  const random = createRandom(seed);
  const values: Buffer[] = [];
  for (let index = 0; index < VALUE_COUNT; index++) {
    values.push(Buffer.from(createText(random), 'latin1'));
  }
  return {
    keys: Array.from({ length: entryCount }, (_, index) => benchKey(index)),
    values,
    texts: values.map((value) => value.toString('latin1')),
    valueMask: VALUE_COUNT - 1,
  };
}

/** Indices drawn uniformly and with repetition, made before the clock starts. */
export function randomOrder(count: number, entryCount: number, random: Random): Uint32Array {
  const order = new Uint32Array(count);
  for (let index = 0; index < count; index++) {
    order[index] = random.below(entryCount);
  }
  return order;
}

/** Each index once, in rising order: every key is new. */
export function newKeyOrder(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, index) => index);
}

/** One step of the result hash. The loops of the contenders repeat it in place. */
export function fold(hash: number, value: number): number {
  return (Math.imul(hash, 31) + value) | 0;
}
