/** The config file: JSON whose groups and names come from the table of settings. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { z } from 'zod';
import { checkJson } from '../json/scan-json.js';
import { filePathOf, hintAt, showName } from './setting-names.js';
import type { Setting } from './setting-table.js';

const FILE_BYTES_MAX = 1_024 ** 2;
const PROBLEMS_MAX = 50;

/** What a config file says: values by the names of their environment variables. */
export interface FileContent {
  readonly values: ReadonlyMap<string, unknown>;
  readonly problems: readonly string[];
}

const NOTHING: ReadonlyMap<string, unknown> = new Map();

/** Reads and checks a config file. Problems are told, never thrown. */
export function readConfigFile(path: string, settings: readonly Setting<unknown>[]): FileContent {
  const content = readBounded(path);
  if ('problem' in content) return { values: NOTHING, problems: [`${path}: ${content.problem}`] };
  const { bytes } = content;
  const fault = checkJson(bytes);
  if (fault !== undefined) {
    const place = placeOf(fault.offsetBytes, bytes);
    return { values: NOTHING, problems: [`${path}: ${place}: is no JSON: ${fault.message}`] };
  }
  return readDocument(path, JSON.parse(bytes.toString()), settings);
}

/** Whatever lies there, at most so many bytes of it are read. */
function readBounded(path: string): { readonly bytes: Buffer } | { readonly problem: string } {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const status = fstatSync(file);
    if (!status.isFile()) return { problem: 'is no file' };
    if (status.size > FILE_BYTES_MAX) {
      return { problem: `has ${status.size} bytes, at most ${FILE_BYTES_MAX} are read` };
    }
    const bytes = Buffer.alloc(status.size);
    let filled = 0;
    while (filled < bytes.length) {
      const count = readSync(file, bytes, filled, bytes.length - filled, null);
      if (count === 0) break;
      filled += count;
    }
    return { bytes: bytes.subarray(0, filled) };
  } catch (error) {
    return { problem: explain(error) };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function explain(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return 'does not exist';
    case 'EACCES':
      return 'may not be read by this user';
    default:
      return `cannot be read: ${(error as Error).message}`;
  }
}

function placeOf(offsetBytes: number, bytes: Buffer): string {
  const before = bytes.subarray(0, offsetBytes).toString().split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** Every name of the document must be known, each value as its setting wants it. */
function readDocument(
  path: string,
  document: unknown,
  settings: readonly Setting<unknown>[],
): FileContent {
  const named = new Map(settings.map((setting) => [filePathOf(setting.name).join('.'), setting]));
  const groups = settings.map(({ name }) => filePathOf(name)[0] ?? '');
  const known = [...named.keys()];
  const result = schemaOf(settings).safeParse(document);
  const problems: string[] = [];
  for (const issue of result.error?.issues ?? []) {
    if (problems.length >= PROBLEMS_MAX) break;
    const place = issue.path.map((part) => showName(String(part)));
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys.slice(0, PROBLEMS_MAX)) {
        const full = [...place, showName(key)].join('.');
        const hint = hintAt(full, place.length > 0 ? known : [...groups, ...known]);
        problems.push(`${path}: ${full}: no such setting${hint}`);
      }
      continue;
    }
    const setting = named.get(place.join('.'));
    const problem =
      setting === undefined
        ? 'must be an object'
        : setting.isSecret
          ? `is not ${setting.form.form}`
          : issue.message;
    problems.push([path, ...(place.length > 0 ? [place.join('.')] : []), problem].join(': '));
  }
  if (problems.length >= PROBLEMS_MAX) problems.push(`${path}: and further problems`);
  return { values: result.success ? flatten(result.data, named) : NOTHING, problems };
}

/** One schema of the whole file, made of the schemas in the table. */
function schemaOf(settings: readonly Setting<unknown>[]): z.ZodType<Record<string, unknown>> {
  const top = new Map<string, z.ZodType>();
  const groups = new Map<string, Map<string, z.ZodType>>();
  for (const { name, form } of settings) {
    const [first = '', second] = filePathOf(name);
    const schema = form.file.optional();
    if (second === undefined) top.set(first, schema);
    else groups.set(first, (groups.get(first) ?? new Map<string, z.ZodType>()).set(second, schema));
  }
  for (const [group, members] of groups) {
    top.set(group, z.strictObject(Object.fromEntries(members)).optional());
  }
  return z.strictObject(Object.fromEntries(top));
}

function flatten(
  data: Record<string, unknown>,
  named: ReadonlyMap<string, Setting<unknown>>,
): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>();
  const visit = (path: string, value: unknown): void => {
    const setting = named.get(path);
    if (setting !== undefined) values.set(setting.name, value);
    else
      for (const [key, member] of Object.entries(value as object)) visit(`${path}.${key}`, member);
  };
  for (const [key, value] of Object.entries(data)) visit(key, value);
  return values;
}
