import { ClientError } from './client-error.js';
import type { FetchResponse } from './fetch-like.js';

/** Statuses of moments that pass; 502 and 504 are those of proxies before the service. */
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);

/** The error that an answer without success stands for. Takes the body. */
export async function readRefusal(response: FetchResponse): Promise<ClientError> {
  const { status } = response;
  const details = {
    status,
    retryable: RETRYABLE_STATUSES.has(status),
    retryAfterMs: readRetryAfter(response.headers.get('Retry-After')),
  };
  const text = await response.text().catch(() => '');
  const { code, message } = readError(text);
  if (typeof code === 'string') return new ClientError(code, String(message), details);
  // Not of the service: a proxy, or another server altogether.
  return new ClientError('ERR_CLIENT_MALFORMED_ANSWER', `the answer was HTTP ${status}`, details);
}

function readError(text: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text);
    const error = (body as { readonly error?: unknown } | null)?.error;
    return typeof error === 'object' && error !== null ? { ...error } : {};
  } catch {
    return {};
  }
}

/** Milliseconds; the header holds seconds or a date. */
function readRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const dateMs = Date.parse(header);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - Date.now());
}
