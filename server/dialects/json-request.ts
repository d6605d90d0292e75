import type { ExampleRequest } from '../openapi/operation-document.js';

/** A request of an example whose body is JSON. */
export function jsonRequest(method: string, target: string, json: unknown): ExampleRequest {
  return { method, target, headers: { 'Content-Type': 'application/json' }, body: { json } };
}
