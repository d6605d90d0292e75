import { afterAll } from 'vitest';
import type { PresentedValue, StoredValue } from '../../../../server/codecs/stored-value.js';
import {
  type CodecSettings,
  createValueCodec,
  type ServiceCodec,
} from '../../../../server/codecs/value-codec.js';
import { RequestError } from '../../../../server/error-table.js';

export const VALUE_BYTES_MAX: number = 1_024 ** 2;

const opened: ServiceCodec[] = [];
afterAll(async () => {
  await Promise.all(opened.splice(0).map((codec) => codec.close()));
});

/** A codec without a pool in reach, unless the test asks for it; closed after the tests. */
export async function openCodec(settings: Partial<CodecSettings> = {}): Promise<ServiceCodec> {
  const codec = await createValueCodec({
    valueBytesMax: VALUE_BYTES_MAX,
    compression: {
      kind: 'lz4',
      thresholdBytes: 1_024,
      poolThresholdBytes: 16 * VALUE_BYTES_MAX,
      poolThreadCount: 1,
    },
    ...settings,
  });
  opened.push(codec);
  return codec;
}

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}

export function hex(text: string): Uint8Array {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

/** What a body is stored as. */
export async function admit(
  codec: ServiceCodec,
  bytes: Uint8Array,
  contentType?: string,
  contentEncoding?: string,
): Promise<StoredValue> {
  return codec.admit({ bytes, contentType, contentEncoding });
}

/** What a client gets that asks in this way. */
export async function present(
  codec: ServiceCodec,
  value: StoredValue,
  accept = '',
  acceptEncoding = '',
): Promise<PresentedValue> {
  return codec.present(value, { accept, acceptEncoding });
}

/** The code of a refusal; anything else is no refusal. */
export async function refusalOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof RequestError) return error.code;
    throw error;
  }
  return 'none';
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
