import { DEFAULT_CONTENT_TYPE, encodeText } from '../wire.js';
import type { ValueCodec } from './stored-value.js';

/** Values as they are. */
export function createValueCodec(): ValueCodec {
  return {
    admit: ({ bytes, contentType }) => ({ bytes, storedType: contentType }),
    admitJson: (bytes) => ({ bytes, storedType: 'application/json' }),
    isPlain: () => true,
    present: ({ bytes, storedType }) => ({
      bytes,
      contentType: storedType ?? DEFAULT_CONTENT_TYPE,
      contentEncoding: undefined,
    }),
    toJson: ({ bytes }) => ({
      text: encodeText(JSON.stringify(Buffer.from(bytes).toString('base64'))),
      isBase64: true,
    }),
    close: () => Promise.resolve(),
  };
}
