import { isUtf8 } from 'node:buffer';
import { type DescField, type DescMessage, type Registry, ScalarType } from '@bufbuild/protobuf';
import { VALUE_DEPTH_MAX, VALUE_ELEMENTS_MAX } from './conversion-limits.js';
import { ProtobufCursor, WIRE_TYPES, type WireType } from './protobuf-cursor.js';

/** What one pass over a message found. */
export interface ProtobufScan {
  /** Why the bytes are no message of the type, or one that is too large; for clients. */
  readonly problem: string | undefined;
  /** The first thing in it that would not get into its JSON form. */
  readonly obstacle: string | undefined;
}

type Scalar = ScalarType | 'enum';

const FIXED64: readonly Scalar[] = [ScalarType.DOUBLE, ScalarType.FIXED64, ScalarType.SFIXED64];
const FIXED32: readonly Scalar[] = [ScalarType.FLOAT, ScalarType.FIXED32, ScalarType.SFIXED32];
const DELIMITED: readonly Scalar[] = [ScalarType.STRING, ScalarType.BYTES];
const ANY_TYPE = 'google.protobuf.Any';
const MAP_KEY_NUMBER = 1;
const MAP_VALUE_NUMBER = 2;

/**
 * Checks in one pass, without building anything, that the bytes are a message of the type: lengths
 * and groups end where they must, numbers have no more than 64 bits, each field has a wire type of
 * its kind, and depth and number of values are within the limits. The decoder trusts all of this,
 * and makes objects of a hundred bytes out of messages of two.
 */
export function scanProtobuf(
  type: DescMessage,
  bytes: Uint8Array,
  registry: Registry,
): ProtobufScan {
  const scanner = new ProtobufScanner(bytes, registry);
  scanner.scanMessage(type, bytes.length, 1, undefined);
  const { problem, obstacle } = scanner;
  return { problem, obstacle };
}

/** The parts of a `google.protobuf.Any`: a message in a field of bytes. */
interface AnyParts {
  typeName: string;
  start: number;
  end: number;
}

class ProtobufScanner {
  obstacle: string | undefined;
  private readonly bytes: Uint8Array;
  private readonly registry: Registry;
  private readonly cursor: ProtobufCursor;
  private elementCount = 0;

  constructor(bytes: Uint8Array, registry: Registry) {
    this.bytes = bytes;
    this.registry = registry;
    this.cursor = new ProtobufCursor(bytes);
  }

  get problem(): string | undefined {
    return this.cursor.problem;
  }

  /** @param groupNumber set where the message ends with a tag instead of at `end` */
  scanMessage(type: DescMessage, end: number, depth: number, groupNumber?: number): boolean {
    const { cursor } = this;
    if (depth > VALUE_DEPTH_MAX) {
      return cursor.fail(`messages nested deeper than ${VALUE_DEPTH_MAX} levels`);
    }
    const fields = fieldsOf(type);
    const any: AnyParts = { typeName: '', start: 0, end: 0 };
    while (cursor.at < end) {
      if (!cursor.readTag(end) || !this.count(1)) return false;
      const { number, wireType } = cursor;
      if (wireType === WIRE_TYPES.groupEnd) {
        return number === groupNumber || cursor.fail('a group that ends where none began');
      }
      const field = fields.get(number);
      if (field === undefined) {
        this.note('fields that its type does not have');
        if (!this.skip(end, depth)) return false;
      } else if (type.typeName === ANY_TYPE) {
        if (!this.scanAnyField(any, end)) return false;
      } else if (!this.scanField(field, wireType, end, depth)) {
        return false;
      }
    }
    if (groupNumber !== undefined) return cursor.fail('a group without an end');
    return any.typeName === '' || this.scanAny(any, depth);
  }

  private scanField(field: DescField, wireType: WireType, end: number, depth: number): boolean {
    switch (field.fieldKind) {
      case 'scalar':
        return this.scanScalar(field.scalar, field.utf8Validation, wireType, end);
      case 'enum':
        return this.scanEnum(field, wireType, end);
      case 'message':
        return this.scanChild(field.message, field.delimitedEncoding, wireType, end, depth);
      case 'list':
        return this.scanListItem(field, wireType, end, depth);
      case 'map':
        return this.scanMapEntry(field, wireType, end, depth);
    }
  }

  private scanChild(
    type: DescMessage,
    isGroup: boolean,
    wireType: WireType,
    end: number,
    depth: number,
  ): boolean {
    const { cursor } = this;
    if (!cursor.expect(wireType, isGroup ? WIRE_TYPES.groupStart : WIRE_TYPES.delimited)) {
      return false;
    }
    if (isGroup) return this.scanMessage(type, end, depth + 1, cursor.number);
    if (!cursor.readLength(end)) return false;
    return this.scanMessage(type, cursor.at + cursor.length, depth + 1);
  }

  private scanListItem(
    field: DescField & { fieldKind: 'list' },
    wireType: WireType,
    end: number,
    depth: number,
  ): boolean {
    if (field.listKind === 'message') {
      return this.scanChild(field.message, field.delimitedEncoding, wireType, end, depth);
    }
    const scalar = field.listKind === 'enum' ? 'enum' : field.scalar;
    const isPacked = wireType === WIRE_TYPES.delimited && !DELIMITED.includes(scalar);
    if (!isPacked) return this.scanScalar(scalar, field.utf8Validation, wireType, end);
    const { cursor } = this;
    if (!cursor.readLength(end)) return false;
    const itemsEnd = cursor.at + cursor.length;
    const itemType = wireTypeOf(scalar);
    while (cursor.at < itemsEnd) {
      if (!this.count(1) || !cursor.skipPlain(itemType, itemsEnd)) return false;
    }
    return true;
  }

  private scanMapEntry(
    field: DescField & { fieldKind: 'map' },
    wireType: WireType,
    end: number,
    depth: number,
  ): boolean {
    const { cursor } = this;
    if (!cursor.expect(wireType, WIRE_TYPES.delimited) || !cursor.readLength(end)) return false;
    const entryEnd = cursor.at + cursor.length;
    while (cursor.at < entryEnd) {
      if (!cursor.readTag(entryEnd) || !this.count(1)) return false;
      if (!this.scanEntryPart(field, entryEnd, depth)) return false;
    }
    return true;
  }

  private scanEntryPart(
    field: DescField & { fieldKind: 'map' },
    end: number,
    depth: number,
  ): boolean {
    const { number, wireType } = this.cursor;
    if (number === MAP_KEY_NUMBER) {
      return this.scanScalar(field.mapKey, field.utf8Validation, wireType, end);
    }
    if (number !== MAP_VALUE_NUMBER) {
      this.note('fields that its type does not have');
      return this.skip(end, depth);
    }
    if (field.mapKind === 'message') {
      return this.scanChild(field.message, false, wireType, end, depth);
    }
    const scalar = field.mapKind === 'enum' ? 'enum' : field.scalar;
    return this.scanScalar(scalar, field.utf8Validation, wireType, end);
  }

  private scanEnum(
    field: DescField & { fieldKind: 'enum' },
    wireType: WireType,
    end: number,
  ): boolean {
    if (!this.scanScalar('enum', false, wireType, end)) return false;
    const isKnown = field.enum.open || field.enum.value[this.cursor.low] !== undefined;
    if (!isKnown) this.note('values that their enum does not have');
    return true;
  }

  private scanScalar(scalar: Scalar, isText: boolean, wireType: WireType, end: number): boolean {
    const { cursor } = this;
    if (!cursor.expect(wireType, wireTypeOf(scalar))) return false;
    if (!cursor.skipPlain(wireType, end)) return false;
    if (scalar !== ScalarType.STRING) return true;
    if (isUtf8(this.bytes.subarray(cursor.at - cursor.length, cursor.at))) return true;
    if (isText) return cursor.fail('text that is not UTF-8');
    this.note('text that is not UTF-8');
    return true;
  }

  /** Fields of an `Any` are read out of order; its message is looked at once both are known. */
  private scanAnyField(any: AnyParts, end: number): boolean {
    const { cursor } = this;
    const { number, wireType } = cursor;
    if (!cursor.expect(wireType, WIRE_TYPES.delimited) || !cursor.skipPlain(wireType, end)) {
      return false;
    }
    const start = cursor.at - cursor.length;
    if (number === 1) {
      const url = Buffer.from(this.bytes.subarray(start, cursor.at)).toString();
      any.typeName = url.slice(url.lastIndexOf('/') + 1);
    } else {
      any.start = start;
      any.end = cursor.at;
    }
    return true;
  }

  private scanAny({ typeName, start, end }: AnyParts, depth: number): boolean {
    const type = this.registry.getMessage(typeName);
    if (type === undefined) {
      this.note('an Any of a type that is not registered');
      return true;
    }
    const inner = new ProtobufScanner(this.bytes.subarray(start, end), this.registry);
    inner.elementCount = this.elementCount;
    const isSound = inner.scanMessage(type, end - start, depth + 1);
    this.elementCount = inner.elementCount;
    if (inner.obstacle !== undefined) this.note(inner.obstacle);
    // What an Any holds is bytes to a reader that does not open it.
    if (!isSound) this.note(`an Any with ${inner.problem}`);
    return true;
  }

  private skip(end: number, depth: number): boolean {
    const { cursor } = this;
    const { wireType } = cursor;
    if (wireType !== WIRE_TYPES.groupStart) return cursor.skipPlain(wireType, end);
    const groupNumber = cursor.number;
    if (depth >= VALUE_DEPTH_MAX) {
      return cursor.fail(`groups nested deeper than ${VALUE_DEPTH_MAX} levels`);
    }
    while (cursor.at < end) {
      if (!cursor.readTag(end) || !this.count(1)) return false;
      if (cursor.wireType === WIRE_TYPES.groupEnd) {
        return cursor.number === groupNumber || cursor.fail('a group that ends where none began');
      }
      if (!this.skip(end, depth + 1)) return false;
    }
    return cursor.fail('a group without an end');
  }

  private count(elements: number): boolean {
    this.elementCount += elements;
    if (this.elementCount <= VALUE_ELEMENTS_MAX) return true;
    return this.cursor.fail(`more than ${VALUE_ELEMENTS_MAX} values`);
  }

  private note(obstacle: string): void {
    this.obstacle ??= obstacle;
  }
}

function wireTypeOf(scalar: Scalar): WireType {
  if (FIXED64.includes(scalar)) return WIRE_TYPES.fixed64;
  if (FIXED32.includes(scalar)) return WIRE_TYPES.fixed32;
  return DELIMITED.includes(scalar) ? WIRE_TYPES.delimited : WIRE_TYPES.varint;
}

const fieldsByType = new WeakMap<DescMessage, ReadonlyMap<number, DescField>>();

function fieldsOf(type: DescMessage): ReadonlyMap<number, DescField> {
  let fields = fieldsByType.get(type);
  if (fields === undefined) {
    fields = new Map(type.fields.map((field) => [field.number, field]));
    fieldsByType.set(type, fields);
  }
  return fields;
}
