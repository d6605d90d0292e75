import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import type {
  Example,
  ExampleRequest,
  OperationDocument,
} from '../../server/openapi/operation-document.js';
import type { Route } from '../../server/router.js';
import { openEngine, serveStore, TRANSPORT_KINDS } from './support/test-service.js';

interface OpenApi {
  readonly [member: string]: unknown;
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
}

interface OpenApiOperation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
}

/** The routes of a running service, and its document. */
async function documentOf(): Promise<{ routes: readonly Route[]; document: OpenApi }> {
  const { url, service } = await serveStore(await openEngine());
  const response = await fetch(`${url}/openapi.json`);
  expect(response.status).toBe(200);
  return { routes: service.routes, document: (await response.json()) as OpenApi };
}

const { routes, document } = await documentOf();

const documents = routes.flatMap(({ path, operations }) =>
  Object.entries(operations).map(([method, operation]) => ({ path, method, operation })),
);

describe('/openapi.json', () => {
  test('is valid OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(document.openapi).toBe('3.1.0');
  });

  test('describes every operation of the table of routes, each under an id of its own', () => {
    const ids = documents.map(({ path, method }) => {
      const described = document.paths[path]?.[method.toLowerCase()];
      expect(described, `${method} ${path}`).toBeDefined();
      return described?.operationId;
    });
    expect(new Set(ids).size).toBe(ids.length);
    const count = Object.values(document.paths).flatMap((operations) => Object.keys(operations));
    expect(count.length).toBe(documents.length);
  });

  test('names every parameter of every path', () => {
    for (const [path, operations] of Object.entries(document.paths)) {
      const names = [...path.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name);
      for (const { parameters = [] } of Object.values(operations)) {
        const described = parameters.filter((one) => one.in === 'path').map(({ name }) => name);
        expect(described.toSorted()).toEqual(names.toSorted());
      }
    }
  });

  test('has an example of every operation, save of HEAD beside a GET', () => {
    const bare = documents.filter(({ method, operation: { document: own } }) => {
      return own === undefined ? method !== 'HEAD' : own.examples.length === 0;
    });
    expect(bare.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  });
});

const examples = documents.flatMap(({ operation }) =>
  (operation.document?.examples ?? []).map((example) => ({
    id: `${(operation.document as OperationDocument).operationId} ${example.name}`,
    example,
  })),
);

describe.each(TRANSPORT_KINDS)('every example holds over %s', (transport) => {
  test.each(examples)('$id', async ({ example }) => {
    const { url } = await serveStore(await openEngine(), {}, undefined, transport);
    for (const request of example.before ?? []) {
      const response = await send(url, request);
      expect(response.ok, `${request.method} ${request.target} before`).toBe(true);
      await response.arrayBuffer();
    }
    await expectAnswer(await send(url, example.request), example);
  });
});

function send(url: string, { method, target, headers = {}, body }: ExampleRequest) {
  const isJson = body !== undefined && 'json' in body;
  const hasType = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
  return fetch(url + target, {
    method,
    headers: { ...(isJson && !hasType && { 'Content-Type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: isJson ? JSON.stringify(body.json) : body.text }),
  });
}

async function expectAnswer(answer: Response, { response }: Example): Promise<void> {
  const text = await answer.text();
  expect(answer.status, text).toBe(response.status);
  for (const [name, value] of Object.entries(response.headers ?? {})) {
    const given = answer.headers.get(name);
    if (value === '*') expect(given, name).not.toBeNull();
    else expect(given, name).toBe(value);
  }
  const { body } = response;
  if (body === undefined) return;
  if ('json' in body) expect(JSON.parse(text)).toEqual(withWildcards(body.json));
  else expect(text).toBe(body.text);
}

/** The expected value, in which the string `*` stands for anything. */
function withWildcards(value: unknown): unknown {
  // Null too, which `expect.anything()` refuses.
  if (value === '*') return { asymmetricMatch: () => true };
  if (Array.isArray(value)) return value.map(withWildcards);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, withWildcards(member)]),
  );
}
