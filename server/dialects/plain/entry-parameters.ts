import type { ParameterDocument, ResponseDocument } from '../../openapi/operation-document.js';

export const KEY_PARAMETER: ParameterDocument = {
  name: 'key',
  in: 'path',
  required: true,
  description:
    'One path segment, percent-encoded: a `/` inside a key is `%2F`. 1 to 1,024 bytes of UTF-8 after decoding.',
  schema: { type: 'string', minLength: 1 },
};

export const IF_NONE_MATCH_PARAMETER: ParameterDocument = {
  name: 'If-None-Match',
  in: 'header',
  description: 'Tags of values that the client has: 304 instead of one of them.',
  schema: { type: 'string', examples: ['"5d41402abc4b2a76"'] },
};

export const ACCEPT_PARAMETER: ParameterDocument = {
  name: 'Accept',
  in: 'header',
  description:
    'Which form of a JSON or MessagePack value is wanted. Without it a value comes as it was stored.',
  schema: { type: 'string', examples: ['application/json', 'application/msgpack'] },
};

export const CONDITION_PARAMETERS: readonly ParameterDocument[] = [
  {
    name: 'X-Cache-Mode',
    in: 'header',
    description: '`NX`: only if the entry is absent. `XX`: only if it is there.',
    schema: { type: 'string', enum: ['NX', 'XX'] },
  },
  {
    name: 'If-Match',
    in: 'header',
    description:
      '`*`: only if the entry is there. Tags: only if its value is that of one of them, judged and changed as one step.',
    schema: { type: 'string' },
  },
  {
    name: 'If-None-Match',
    in: 'header',
    description: '`*`: only if the entry is absent. Tags: only if its value has none of them.',
    schema: { type: 'string' },
  },
];

export const STORE_PARAMETERS: readonly ParameterDocument[] = [
  {
    name: 'X-Cache-TTL',
    in: 'header',
    description:
      'Time to live: whole seconds above zero, or `never`. Default: that of the service.',
    schema: { type: 'string', pattern: '^([1-9][0-9]*|never)$' },
  },
  {
    name: 'X-Cache-Tags',
    in: 'header',
    description:
      'Names by which entries are removed together, with commas between them; `Cache-Tag` means the same. Up to 64, each of 1 to 256 printable ASCII characters.',
    schema: { type: 'string', examples: ['user:123, profiles'] },
  },
  {
    name: 'Surrogate-Key',
    in: 'header',
    description: 'The same with spaces between the names.',
    schema: { type: 'string', examples: ['user:123 profiles'] },
  },
];

export const HIT_HEADERS: NonNullable<ResponseDocument['headers']> = {
  'X-Cache-Hit': { description: '`true`', schema: { const: 'true' } },
  'X-Cache-TTL-Remaining': {
    description: 'Seconds that are left, rounded up; absent for an entry without an end.',
    schema: { type: 'integer', minimum: 1 },
  },
  ETag: {
    description: 'XXH64 of the stored value; another one for each form that it is converted to.',
    schema: { type: 'string' },
  },
  Age: { description: 'Seconds since the value was stored.', schema: { type: 'integer' } },
  'Cache-Control': {
    description:
      '`max-age` with the whole seconds that are left; `no-cache` for an entry without an end, which nobody has promised anything about.',
    schema: { type: 'string' },
  },
  'Cache-Status': {
    description: 'RFC 9211: `hotshard; hit; ttl=3540`.',
    schema: { type: 'string' },
  },
};

export const MISS_RESPONSE: ResponseDocument = {
  description: 'Nothing is stored under the key.',
  headers: {
    'X-Cache-Hit': { description: '`false`', schema: { const: 'false' } },
    'Cache-Status': { description: '`hotshard; fwd=miss`', schema: { type: 'string' } },
  },
};
