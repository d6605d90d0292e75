import { Packr } from 'msgpackr';
import { encodeText } from '../wire.js';
import { InexactConversionError } from './inexact-conversion.js';
import { JsonReader } from './json-reader.js';
import { JsonWriter } from './json-writer.js';
import { scanMessagePack } from './message-pack-scan.js';

/** Maps stay Maps, so that no name of a member means anything, and integers stay exact. */
const packr = new Packr({ useRecords: false, mapsAsObjects: false, int64AsType: 'bigint' });

/**
 * MessagePack as JSON text. Binary data, extension types (timestamps too), names that are not text
 * and numbers that are not finite have no word in JSON.
 *
 * @throws {InexactConversionError}
 */
export function messagePackToJson(bytes: Uint8Array): Uint8Array {
  const { problem, obstacle, valueCount } = scanMessagePack(bytes);
  if (problem !== undefined) throw new InexactConversionError(problem);
  if (obstacle !== undefined) {
    throw new InexactConversionError(`the MessagePack holds ${obstacle}, which JSON does not have`);
  }
  const writer = new JsonWriter();
  const text = writer.write(packr.unpack(bytes));
  // Decoding a map keeps the last of members with one name.
  if (writer.valueCount !== valueCount) {
    throw new InexactConversionError('a map of the MessagePack has a name twice');
  }
  return encodeText(text);
}

/**
 * JSON text, checked before, as MessagePack.
 *
 * @throws {InexactConversionError}
 */
export function jsonToMessagePack(text: Uint8Array): Uint8Array {
  return packr.pack(new JsonReader(text).read());
}
