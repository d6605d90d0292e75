/**
 * What can be asked of the service, whatever carries it: fields of the question and form of the
 * answer. Both transports speak in these terms.
 */
import type { EncodedValue } from './encoded-value.js';

/** Answer to a read. */
export type EntryAnswer =
  | {
      readonly hit: true;
      readonly value: unknown;
      /** Milliseconds left; `Infinity` for an entry without an end. */
      readonly ttlMs: number;
      /** Milliseconds since it was stored; `undefined` where the transport does not say. */
      readonly ageMs: number | undefined;
    }
  | { readonly hit: false };

/** An entry to be stored. */
export interface EntryFields {
  readonly key: string;
  readonly value: EncodedValue;
  /** Milliseconds; `'never'`; `undefined` for the default of the service. */
  readonly ttlMs: number | 'never' | undefined;
  readonly tags: readonly string[];
}

export interface SetFields extends EntryFields {
  readonly only: 'absent' | 'present' | undefined;
}

export interface TouchFields {
  readonly key: string;
  readonly ttlMs: number | 'never';
}

/** What an invalidation names: exactly one of these. */
export type InvalidationTarget =
  | { readonly prefix: string }
  /** `*` any text, `?` one character, `[a-z]` one of a set; `confirm` for one of only `*`. */
  | { readonly glob: string; readonly confirm?: boolean }
  | { readonly tag: string }
  | { readonly keys: readonly string[] };

/** What a subscription is about; at least one. */
export interface Selection {
  readonly keys?: readonly string[];
  readonly prefixes?: readonly string[];
  readonly tags?: readonly string[];
  /** Every key of the namespace. */
  readonly all?: true;
}

interface Operations {
  get: { fields: { readonly key: string }; answer: EntryAnswer };
  getMany: { fields: { readonly keys: readonly string[] }; answer: readonly EntryAnswer[] };
  set: { fields: SetFields; answer: boolean };
  setMany: { fields: { readonly entries: readonly EntryFields[] }; answer: number };
  delete: { fields: { readonly key: string }; answer: boolean };
  deleteMany: { fields: { readonly keys: readonly string[] }; answer: number };
  touch: { fields: TouchFields; answer: boolean };
  invalidate: { fields: InvalidationTarget; answer: number };
}

export type OperationName = keyof Operations;
export type FieldsOf<Name extends OperationName> = Operations[Name]['fields'];
export type AnswerOf<Name extends OperationName> = Operations[Name]['answer'];

/** Carries questions to the service. */
export interface Transport {
  /**
   * @param namespace empty for the default one
   * @param signal ends the wait for the answer
   * @throws {ClientError} as a rejection
   */
  send<Name extends OperationName>(
    name: Name,
    namespace: string,
    fields: FieldsOf<Name>,
    signal: AbortSignal,
  ): Promise<AnswerOf<Name>>;
}
