/** `get`, `set` and `del`: single entries of a running service, their values as bytes. */
import { isUtf8 } from 'node:buffer';
import { CommandError } from './command-error.js';
import {
  entryTarget,
  isMiss,
  isSuccess,
  refusalOf,
  type ServiceAnswer,
  ServiceConnection,
} from './service-connection.js';
import type { ServiceOptions } from './service-options.js';

const YEAR_MS = 365.25 * 86_400_000;
const DELETES_AT_ONCE = 8;
const TYPES: ReadonlyMap<string, string> = new Map([
  ['json', 'application/json'],
  ['msgpack', 'application/msgpack'],
  ['text', 'text/plain'],
  ['bytes', 'application/octet-stream'],
]);

export interface EntryOptions extends ServiceOptions {
  readonly namespace: string;
}

export interface SetOptions extends EntryOptions {
  readonly ttl?: string;
  readonly tags?: string;
  readonly type?: string;
  readonly nx?: true;
  readonly xx?: true;
}

function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document)}\n`);
}

/** `hotshard get`: the value, byte by byte; 1 and nothing when there is none. */
export async function getEntry(key: string, options: EntryOptions): Promise<number> {
  const connection = new ServiceConnection(options.url);
  const target = entryTarget(options.namespace, key);
  const answer = await connection.ask({ method: 'GET', target });
  if (isMiss(answer)) return 1;
  if (!isSuccess(answer)) throw refusalOf(answer);
  if (options.json === true) printJson(describeEntry(key, answer));
  else {
    process.stdout.write(answer.body);
    if (process.stdout.isTTY === true && answer.body.at(-1) !== 0x0a) process.stdout.write('\n');
  }
  return 0;
}

/** The entry as a document: JSON as it is, other text as a string, bytes in base64. */
function describeEntry(key: string, { headers, body }: ServiceAnswer): unknown {
  const type = headers['content-type'] ?? 'application/octet-stream';
  const ttl = headers['x-cache-ttl-remaining'];
  const ttlSeconds = typeof ttl === 'string' && /^[0-9]+$/.test(ttl) ? Number(ttl) : null;
  const about = { key, contentType: type, ttlSeconds };
  if (!isUtf8(body)) return { ...about, value: body.toString('base64'), encoding: 'base64' };
  const text = body.toString();
  if (!type.startsWith('application/json')) return { ...about, value: text };
  try {
    return { ...about, value: JSON.parse(text) as unknown };
  } catch {
    return { ...about, value: text };
  }
}

/** `hotshard set`: stores a value; 1 when `--nx` or `--xx` kept it from that. */
export async function setEntry(
  key: string,
  given: string | undefined,
  options: SetOptions,
): Promise<number> {
  const headers: Record<string, string> = {};
  if (options.nx === true && options.xx === true) {
    throw new CommandError('--nx and --xx exclude each other', 2);
  }
  if (options.nx === true) headers['X-Cache-Mode'] = 'NX';
  if (options.xx === true) headers['X-Cache-Mode'] = 'XX';
  if (options.ttl !== undefined) headers['X-Cache-TTL'] = await readTtl(options.ttl);
  if (options.tags !== undefined) headers['X-Cache-Tags'] = encodeTags(options.tags);
  const connection = new ServiceConnection(options.url);
  const body = given === undefined || given === '-' ? await readInput() : Buffer.from(given);
  headers['Content-Type'] = readType(options.type, body);
  const target = entryTarget(options.namespace, key);
  const answer = await connection.ask({ method: 'PUT', target, headers, body });
  const isStored = answer.status !== 412;
  if (isStored && !isSuccess(answer)) throw refusalOf(answer);
  if (options.json === true) printJson({ key, stored: isStored, valueBytes: body.length });
  else if (!isStored) {
    process.stderr.write(`hotshard: not stored: the key is ${options.nx ? '' : 'not '}there\n`);
  }
  return isStored ? 0 : 1;
}

async function readInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Whole seconds, rounded up so that no entry ends before its time. */
async function readTtl(text: string): Promise<string> {
  if (text === 'never') return text;
  const { duration } = await import('../config/setting-form.js');
  const form = duration(1, 1_000 * YEAR_MS);
  const result = form.text.safeParse(text);
  if (result.success) return String(Math.ceil(result.data / 1_000));
  throw new CommandError(`--ttl: ${result.error.issues[0]?.message ?? form.form}, nor never`, 2);
}

/** A header line takes no other characters than printable ASCII. */
function encodeTags(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  throw new CommandError('--tags: only printable ASCII characters can be sent', 2);
}

function readType(type: string | undefined, body: Buffer): string {
  if (type === undefined) return (isUtf8(body) ? TYPES.get('text') : TYPES.get('bytes')) ?? '';
  if (!/^[\x21-\x7e ]{1,127}$/.test(type)) throw new CommandError('--type: is no media type', 2);
  return TYPES.get(type) ?? type;
}

/** `hotshard del`: removes entries and says how many were there. */
export async function deleteEntries(
  keys: readonly string[],
  options: EntryOptions,
): Promise<number> {
  const connection = new ServiceConnection(options.url);
  let deleted = 0;
  let next = 0;
  const work = async (): Promise<void> => {
    for (let key = keys[next++]; key !== undefined; key = keys[next++]) {
      const target = entryTarget(options.namespace, key);
      const answer = await connection.ask({ method: 'DELETE', target });
      if (!isSuccess(answer) && !isMiss(answer)) throw refusalOf(answer);
      if (answer.headers['x-cache-hit'] !== 'false') deleted += 1;
    }
  };
  await Promise.all(Array.from({ length: Math.min(DELETES_AT_ONCE, keys.length) }, work));
  if (options.json === true) printJson({ deleted });
  else process.stdout.write(`${deleted}\n`);
  return 0;
}
