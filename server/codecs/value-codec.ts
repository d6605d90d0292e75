import { RequestError } from '../error-table.js';
import { DEFAULT_CONTENT_TYPE, encodeText } from '../wire.js';
import type { ValueCodec } from './stored-value.js';

/** Values as they are. */
export function createValueCodec(): ValueCodec {
  return {
    admit: ({ bytes, contentType, contentEncoding }) => {
      if ((contentEncoding ?? 'identity').toLowerCase() !== 'identity') {
        throw new RequestError('ERR_HTTP_UNSUPPORTED_CODING', 'the service keeps no coding');
      }
      return { bytes, storedType: contentType };
    },
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
