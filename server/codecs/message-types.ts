import { readFile } from 'node:fs/promises';
import {
  createFileRegistry,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  toJson,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { RequestError } from '../error-table.js';
import { checkJson } from '../json/scan-json.js';
import { encodeText } from '../wire.js';
import { VALUE_DEPTH_MAX } from './conversion-limits.js';
import { InexactConversionError } from './inexact-conversion.js';
import { JsonWriter } from './json-writer.js';
import { scanProtobuf } from './protobuf-scan.js';

/** The file of message types cannot be used; an operator can mend it. */
export class MessageTypesError extends Error {
  override readonly name: string = 'MessageTypesError';
}

/** The types of Protocol Buffers messages that clients may store and read as JSON. */
export class MessageTypes {
  private readonly registry: FileRegistry;

  /** @throws {MessageTypesError} for bytes that are no file descriptor set, or lack a file */
  constructor(descriptorSet: Uint8Array | undefined) {
    try {
      this.registry =
        descriptorSet === undefined
          ? createFileRegistry()
          : createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new MessageTypesError(`the message types cannot be read: ${reason}`);
    }
  }

  has(typeName: string): boolean {
    return this.registry.getMessage(typeName) !== undefined;
  }

  /**
   * Checks that bytes are a message of a type.
   *
   * @throws {RequestError} when the type is not registered, or the bytes are no such message
   */
  check(typeName: string, bytes: Uint8Array): void {
    const type = this.registry.getMessage(typeName);
    if (type === undefined) {
      throw new RequestError(
        'ERR_HTTP_UNSUPPORTED_MEDIA_TYPE',
        'the messageType of Content-Type is none of the types that the service was started with',
      );
    }
    const { problem } = scanProtobuf(type, bytes, this.registry);
    if (problem !== undefined) throw malformed(problem);
    try {
      fromBinary(type, bytes, { readUnknownFields: false, recursionLimit: VALUE_DEPTH_MAX });
    } catch (error) {
      throw malformed(error instanceof Error ? error.message : String(error));
    }
  }

  /**
   * A message as JSON, in the form that Protocol Buffers define for it.
   *
   * @throws {InexactConversionError} when JSON would lose a part of it
   */
  toJson(typeName: string, bytes: Uint8Array): Uint8Array {
    const type = this.registry.getMessage(typeName);
    if (type === undefined) throw new InexactConversionError('its messageType is not registered');
    const { problem, obstacle } = scanProtobuf(type, bytes, this.registry);
    const reason = problem ?? obstacle;
    if (reason !== undefined) throw new InexactConversionError(`the message has ${reason}`);
    const text = encodeText(this.write(type, bytes));
    const nested = checkJson(text);
    if (nested !== undefined) throw new InexactConversionError(nested.message);
    return text;
  }

  private write(type: DescMessage, bytes: Uint8Array): string {
    try {
      const message = fromBinary(type, bytes, { recursionLimit: VALUE_DEPTH_MAX });
      return new JsonWriter().write(toJson(type, message, { registry: this.registry }));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new InexactConversionError(`the message has no JSON form: ${reason}`);
    }
  }
}

/**
 * The bytes of a file that `protoc --include_imports --descriptor_set_out` or `buf build` made.
 *
 * @throws {MessageTypesError}
 */
export async function readDescriptorSet(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MessageTypesError(`the file of message types cannot be read: ${reason}`);
  }
}

function malformed(reason: string): RequestError {
  return new RequestError(
    'ERR_HTTP_MALFORMED_BODY',
    `the body is no message of its messageType: ${reason}`,
  );
}
