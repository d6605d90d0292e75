/**
 * `/openapi.json`: the interface as OpenAPI 3.1, made from the table of routes. What stands beside
 * a handler is what users read, so the two cannot drift apart; the tests execute every example.
 */
import type { Operation, Route } from '../router.js';
import type {
  Example,
  ExampleRequest,
  OperationDocument,
  ParameterDocument,
  ResponseDocument,
} from './operation-document.js';

/** A part of the document: plain JSON. */
type Json = Readonly<Record<string, unknown>>;

const JSON_TYPE = 'application/json';
/** What every operation may answer besides its own responses. */
const REFUSAL = { $ref: '#/components/responses/Refusal' };

const TAGS = [
  { name: 'plain', description: 'Values as they are, at `/cache/{key}`.' },
  { name: 'namespaced', description: 'JSON documents, one key space for each namespace.' },
  { name: 'enveloped', description: 'JSON documents that tell where a value comes from.' },
  { name: 'service', description: 'The service itself: health, metrics, this document.' },
] as const;

const DESCRIPTION =
  'A cache over HTTP in three dialects. A value that was stored through one of them is read ' +
  'through the others. In examples of answers the string "*" stands for any value.';

/** @param version of the service, such as `0.1.0` */
export function createOpenApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const { path, operations } of routes) {
    for (const [method, operation] of Object.entries(operations)) {
      const document = operation.document ?? headDocument(method, operations['GET']?.document);
      if (document === undefined) continue;
      paths[path] = { ...paths[path], [method.toLowerCase()]: describe(path, operation, document) };
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Hotshard', version, description: DESCRIPTION, license: LICENSE },
    tags: TAGS,
    paths,
    components: COMPONENTS,
  };
}

/** HEAD without a document of its own is described by that of GET. */
function headDocument(
  method: string,
  get: OperationDocument | undefined,
): OperationDocument | undefined {
  if (method !== 'HEAD' || get === undefined) return undefined;
  const responses = Object.entries(get.responses).map(
    ([status, { description }]): [string, ResponseDocument] => [status, { description }],
  );
  return {
    tag: get.tag,
    operationId: `${get.operationId}Head`,
    summary: `${get.summary} Headers alone.`,
    ...(get.parameters !== undefined && { parameters: get.parameters }),
    responses: Object.fromEntries(responses),
    examples: [],
  };
}

const LICENSE = { name: 'Apache-2.0', identifier: 'Apache-2.0' };

const COMPONENTS = {
  schemas: {
    Refusal: {
      type: 'object',
      description: 'Why a request was refused. The codes are listed in docs/ERRORS.md.',
      required: ['error'],
      properties: {
        error: {
          type: 'object',
          required: ['code', 'message'],
          properties: { code: { type: 'string' }, message: { type: 'string' } },
        },
      },
    },
  },
  responses: {
    Refusal: {
      description: 'The request was refused, or could not be carried out.',
      content: { [JSON_TYPE]: { schema: { $ref: '#/components/schemas/Refusal' } } },
    },
  },
};

function describe(path: string, { name }: Operation, document: OperationDocument): Json {
  const { tag, operationId, summary, description, requestBody, responses, examples } = document;
  const parameters = parametersOf(path, document.parameters ?? []);
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...(parameters.length > 0 && { parameters }),
    ...(requestBody !== undefined && {
      requestBody: { ...requestBody, content: withRequestExamples(requestBody.content, examples) },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(responses).map(([status, response]) => [
          status,
          withResponseExamples(Number(status), response, examples),
        ]),
      ),
      default: REFUSAL,
    },
    'x-operation': name,
  };
}

/** What is documented, and every parameter of the path, which must not be forgotten. */
function parametersOf(path: string, documented: readonly ParameterDocument[]): readonly Json[] {
  const named = new Set(documented.filter((one) => one.in === 'path').map((one) => one.name));
  const missing = [...path.matchAll(/\{([a-z]+)\}/g)]
    .map(([, name]) => name ?? '')
    .filter((name) => !named.has(name))
    .map((name) => ({ name, in: 'path', description: PATH_PARAMETERS.get(name) ?? name }));
  return [...missing.map((one) => ({ ...one, schema: { type: 'string' } })), ...documented].map(
    (parameter) => ({ ...parameter, ...(parameter.in === 'path' && { required: true }) }),
  );
}

const PATH_PARAMETERS: ReadonlyMap<string, string> = new Map([
  ['key', 'The key, percent-encoded: 1 to 1,024 bytes of UTF-8.'],
  ['namespace', 'The namespace, percent-encoded: 1 to 128 bytes of UTF-8.'],
]);

function withRequestExamples(
  content: NonNullable<OperationDocument['requestBody']>['content'],
  examples: readonly Example[],
): Json {
  return withExamples(content, examples, ({ request }) => ({
    mediaType: typeOf(request.headers, request.body),
    body: request.body,
  }));
}

function withResponseExamples(
  status: number,
  response: ResponseDocument,
  examples: readonly Example[],
): Json {
  if (response.content === undefined) return { ...response };
  const own = examples.filter((example) => example.response.status === status);
  const content = withExamples(response.content, own, ({ response: { headers, body } }) => ({
    mediaType: typeOf(headers, body),
    body,
  }));
  return { ...response, content };
}

interface ShownBody {
  readonly mediaType: string | undefined;
  readonly body: ExampleRequest['body'];
}

function withExamples(
  content: Readonly<Record<string, { readonly schema: Json }>>,
  examples: readonly Example[],
  show: (example: Example) => ShownBody,
): Json {
  const shown: Record<string, Json> = {};
  for (const [mediaType, media] of Object.entries(content)) {
    const fitting: Record<string, Json> = {};
    for (const example of examples) {
      const { mediaType: own, body } = show(example);
      if (body === undefined || (own ?? mediaType) !== mediaType) continue;
      const value = 'json' in body ? body.json : body.text;
      fitting[example.name] = { summary: example.summary, value };
    }
    shown[mediaType] = Object.keys(fitting).length > 0 ? { ...media, examples: fitting } : media;
  }
  return shown;
}

/** The media type that an example states; JSON where its body is written as JSON. */
function typeOf(
  headers: Readonly<Record<string, string>> | undefined,
  body: ExampleRequest['body'],
): string | undefined {
  const stated = Object.entries(headers ?? {}).find(([name]) => /^content-type$/i.test(name))?.[1];
  if (stated !== undefined && stated !== '*') return stated.split(';', 1)[0]?.trim();
  return body !== undefined && 'json' in body ? JSON_TYPE : undefined;
}
