/**
 * What the users of one operation are told: the part of `/openapi.json` that stands beside the
 * handler in the table of routes. Plain data, in the terms of OpenAPI 3.1.
 */

/** A JSON Schema (draft 2020-12), as OpenAPI 3.1 uses it. */
export type Schema = Readonly<Record<string, unknown>>;

export interface ParameterDocument {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly description: string;
  /** Default: true in paths, else false. */
  readonly required?: boolean;
  readonly schema: Schema;
}

export interface ContentDocument {
  /** By media type. */
  readonly [mediaType: string]: { readonly schema: Schema };
}

export interface ResponseDocument {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { description: string; schema: Schema }>>;
  readonly content?: ContentDocument;
}

/**
 * A request and the answer to it. The examples of one operation are executed in order, each list on
 * an empty cache, by the tests; `/openapi.json` shows those of the operation itself.
 */
export interface Example {
  /** Unique within the operation, `camelCase`. */
  readonly name: string;
  readonly summary: string;
  /** Requests that must have been made before, such as the PUT before a GET. */
  readonly before?: readonly ExampleRequest[];
  readonly request: ExampleRequest;
  readonly response: ExampleResponse;
}

export interface ExampleRequest {
  readonly method: string;
  /** With the query, encoded as it is sent: `/cache/user%3A123?x=1`. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON is written from a value; text goes as it is. */
  readonly body?: { readonly json: unknown } | { readonly text: string };
}

export interface ExampleResponse {
  readonly status: number;
  /** Those that must be there; `'*'` for any value. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The whole body; in JSON the string `'*'` stands for any value, at any depth. */
  readonly body?: { readonly json: unknown } | { readonly text: string };
}

export interface OperationDocument {
  /** One of the dialects, or `service`. */
  readonly tag: 'plain' | 'namespaced' | 'enveloped' | 'service';
  /** Unique over all operations, `camelCase`: `getEntry`. */
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly ParameterDocument[];
  readonly requestBody?: {
    readonly description?: string;
    readonly required: boolean;
    readonly content: ContentDocument;
  };
  /** By status; refusals that every operation can give are added by the generator. */
  readonly responses: Readonly<Record<string, ResponseDocument>>;
  readonly examples: readonly Example[];
}
