/** `get`, `set` and `del`: single entries of a running service, their values as bytes. */
import { isUtf8 } from 'node:buffer';
import { JsonValue } from '../json/json-value.js';
import { checkJson } from '../json/scan-json.js';
import { CommandError } from './command-error.js';
import { withClient } from './service-client.js';
import {
  checkUrl,
  entryTarget,
  isMiss,
  isNamedMiss,
  isSuccess,
  refusalOf,
  ServiceConnection,
} from './service-connection.js';
import type { ServiceOptions } from './service-options.js';

const YEAR_MS = 365.25 * 86_400_000;
const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain';
const BYTES_TYPE = 'application/octet-stream';
const TYPES: ReadonlyMap<string, string> = new Map([
  ['json', JSON_TYPE],
  ['msgpack', 'application/msgpack'],
  ['text', TEXT_TYPE],
  ['bytes', BYTES_TYPE],
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

/** An entry as it is printed. */
interface PrintedEntry {
  readonly bytes: Buffer;
  readonly contentType: string;
  /** `null` for one without an end. */
  readonly ttlSeconds: number | null;
}

/** `hotshard get`: the value, byte by byte; 1 and nothing when there is none. */
export async function getEntry(key: string, options: EntryOptions): Promise<number> {
  const entry = await (options.namespace === '' ? readEntry : readNamedEntry)(key, options);
  if (entry === undefined) return 1;
  if (options.json === true) process.stdout.write(`${describeEntry(key, entry)}\n`);
  else {
    process.stdout.write(entry.bytes);
    if (process.stdout.isTTY === true && entry.bytes.at(-1) !== 0x0a) process.stdout.write('\n');
  }
  return 0;
}

async function readEntry(key: string, { url }: EntryOptions): Promise<PrintedEntry | undefined> {
  const connection = new ServiceConnection(url);
  const answer = await connection.ask({ method: 'GET', target: entryTarget(key) });
  if (isMiss(answer)) return undefined;
  if (!isSuccess(answer)) throw refusalOf(answer);
  const { headers, body: bytes } = answer;
  const ttl = headers['x-cache-ttl-remaining'];
  return {
    bytes,
    contentType: headers['content-type'] ?? BYTES_TYPE,
    ttlSeconds: typeof ttl === 'string' && /^[0-9]+$/.test(ttl) ? Number(ttl) : null,
  };
}

/** The plain dialect knows no namespaces. Of the document the value is taken as it stands there. */
async function readNamedEntry(
  key: string,
  { url, namespace }: EntryOptions,
): Promise<PrintedEntry | undefined> {
  const connection = new ServiceConnection(url);
  const answer = await connection.ask({ method: 'GET', target: entryTarget(key, namespace) });
  if (isNamedMiss(answer)) return undefined;
  if (!isSuccess(answer) || checkJson(answer.body) !== undefined) throw refusalOf(answer);
  const members = new Map(JsonValue.of(answer.body).members());
  const value = members.get('value');
  if (value === undefined) throw refusalOf(answer);
  const ttlSeconds = members.get('ttl_seconds')?.asCount() ?? null;
  return members.get('encoding')?.asString() === 'base64'
    ? { bytes: Buffer.from(value.asString() ?? '', 'base64'), contentType: BYTES_TYPE, ttlSeconds }
    : { bytes: Buffer.from(value.text), contentType: JSON_TYPE, ttlSeconds };
}

/** The entry as a document: JSON as it is, other text as a string, bytes in base64. */
function describeEntry(key: string, { bytes, contentType, ttlSeconds }: PrintedEntry): string {
  const about = { key, contentType, ttlSeconds };
  if (contentType.startsWith(JSON_TYPE) && checkJson(bytes) === undefined) {
    // Parsing would change numbers. Line breaks stand between the parts of a JSON text alone.
    const text = bytes.toString().replace(/[\r\n]+/g, ' ');
    return `${JSON.stringify(about).slice(0, -1)},"value":${text}}`;
  }
  return isUtf8(bytes)
    ? JSON.stringify({ ...about, value: bytes.toString() })
    : JSON.stringify({ ...about, value: bytes.toString('base64'), encoding: 'base64' });
}

/** `hotshard set`: stores a value; 1 when `--nx` or `--xx` kept it from that. */
export async function setEntry(
  key: string,
  given: string | undefined,
  options: SetOptions,
): Promise<number> {
  if (options.nx === true && options.xx === true) {
    throw new CommandError('--nx and --xx exclude each other', 2);
  }
  checkUrl(options.url);
  const ttl = options.ttl === undefined ? undefined : await readTtl(options.ttl);
  const type = readType(options.type);
  const tags = readTags(options.tags);
  const bytes = given === undefined || given === '-' ? await readInput() : Buffer.from(given);
  const only = options.nx ? 'absent' : options.xx ? 'present' : undefined;
  const write = { key, bytes, ttl, type, tags, only } as const;
  const isStored = await (options.namespace === '' ? storeEntry : storeNamedEntry)(write, options);
  if (options.json === true) printJson({ key, stored: isStored, valueBytes: bytes.length });
  else if (!isStored) {
    process.stderr.write(`hotshard: not stored: the key is ${options.nx ? '' : 'not '}there\n`);
  }
  return isStored ? 0 : 1;
}

/** What `set` is to store. */
interface EntryWrite {
  readonly key: string;
  readonly bytes: Buffer;
  /** Whole seconds, or `never`; `undefined` for the default of the service. */
  readonly ttl: number | 'never' | undefined;
  /** A media type; `undefined` to go by the bytes. */
  readonly type: string | undefined;
  readonly tags: readonly string[];
  readonly only: 'absent' | 'present' | undefined;
}

async function storeEntry(write: EntryWrite, { url }: SetOptions): Promise<boolean> {
  const { key, bytes, ttl, tags, only } = write;
  const headers = {
    'Content-Type': write.type ?? (isUtf8(bytes) ? TEXT_TYPE : BYTES_TYPE),
    ...(ttl !== undefined && { 'X-Cache-TTL': String(ttl) }),
    ...(tags.length > 0 && { 'X-Cache-Tags': tags.join(',') }),
    ...(only !== undefined && { 'X-Cache-Mode': only === 'absent' ? 'NX' : 'XX' }),
  };
  const connection = new ServiceConnection(url);
  const target = entryTarget(key);
  const answer = await connection.ask({ method: 'PUT', target, headers, body: bytes });
  if (answer.status === 412) return false;
  if (!isSuccess(answer)) throw refusalOf(answer);
  return true;
}

async function storeNamedEntry(write: EntryWrite, options: SetOptions): Promise<boolean> {
  const { key, bytes, ttl, tags, only, type } = write;
  if (type !== undefined && type !== JSON_TYPE && type !== BYTES_TYPE) {
    throw new CommandError('--type: only json and bytes go with --namespace', 2);
  }
  const value = type === JSON_TYPE ? parseJson(bytes) : bytes;
  // The dialect of namespaces has neither conditions nor entries without an end.
  if (type === JSON_TYPE && only === undefined && ttl !== 'never') {
    await storeNamedJson(write, options);
    return true;
  }
  return withClient(options.url, options.namespace, (client) =>
    client.set(key, value, {
      tags,
      ...(ttl !== undefined && { ttl: ttl === 'never' ? ttl : ttl * 1_000 }),
      ...(only !== undefined && { only }),
    }),
  );
}

/** JSON as it was given, to the last digit. */
async function storeNamedJson(
  { key, bytes, ttl, tags }: EntryWrite,
  { url, namespace }: SetOptions,
): Promise<void> {
  const fields = { tags, ...(typeof ttl === 'number' && { ttl_seconds: ttl }) };
  const body = Buffer.from(`{"value":${bytes.toString()},${JSON.stringify(fields).slice(1)}`);
  const connection = new ServiceConnection(url);
  const target = entryTarget(key, namespace);
  const headers = { 'Content-Type': JSON_TYPE };
  const answer = await connection.ask({ method: 'PUT', target, headers, body });
  if (!isSuccess(answer)) throw refusalOf(answer);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch (error) {
    throw new CommandError('the value is no JSON, as --type says', 1, { cause: error });
  }
}

async function readInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Whole seconds, rounded up so that no entry ends before its time. */
async function readTtl(text: string): Promise<number | 'never'> {
  if (text === 'never') return text;
  const { duration } = await import('../config/setting-form.js');
  const form = duration(1, 1_000 * YEAR_MS);
  const result = form.text.safeParse(text);
  if (result.success) return Math.ceil(result.data / 1_000);
  throw new CommandError(`--ttl: ${result.error.issues[0]?.message ?? form.form}, nor never`, 2);
}

/** A header line takes no other characters than printable ASCII. */
function readTags(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  if (!/^[\x20-\x7e]*$/.test(text)) {
    throw new CommandError('--tags: only printable ASCII characters can be sent', 2);
  }
  return text
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
}

function readType(type: string | undefined): string | undefined {
  if (type === undefined) return undefined;
  if (!/^[\x21-\x7e ]{1,127}$/.test(type)) throw new CommandError('--type: is no media type', 2);
  return TYPES.get(type) ?? type;
}

/** `hotshard del`: removes entries and says how many were there. */
export async function deleteEntries(
  keys: readonly string[],
  options: EntryOptions,
): Promise<number> {
  checkUrl(options.url);
  const deleted = await withClient(options.url, options.namespace, (client) => {
    return client.deleteMany(keys);
  });
  if (options.json === true) printJson({ deleted });
  else process.stdout.write(`${deleted}\n`);
  return 0;
}
