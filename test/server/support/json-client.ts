import { expect } from 'vitest';
import type { TestService } from './test-service.js';

/** An answer with its body as text, so that numbers can be looked at to the last digit. */
export interface TextAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** Sends JSON text, or no body at all; the answer must be JSON unless it is empty. */
export async function send(
  service: Pick<TestService, 'url'>,
  line: string,
  text?: string | Uint8Array,
  headers: Readonly<Record<string, string>> = { 'Content-Type': 'application/json' },
): Promise<TextAnswer> {
  const [method = '', target = ''] = line.split(' ');
  const hasBody = text !== undefined;
  const response = await fetch(`${service.url}${target}`, {
    method,
    ...(hasBody && { body: text as string, headers }),
  });
  const answer = await response.text();
  if (answer !== '') expect(response.headers.get('content-type')).toBe('application/json');
  return { status: response.status, text: answer, headers: response.headers };
}

/** Sends a value as JSON and gives status and answer as values. */
export async function call(
  service: Pick<TestService, 'url'>,
  line: string,
  body?: unknown,
): Promise<readonly [status: number, answer: unknown]> {
  const { status, text } = await send(
    service,
    line,
    body === undefined ? undefined : JSON.stringify(body),
  );
  return [status, text === '' ? undefined : JSON.parse(text)];
}

/** The refusal with the code, whose message matches. */
export function refusal(code: string, message: RegExp | string = ''): unknown {
  return { error: { code, message: expect.stringMatching(message) } };
}
