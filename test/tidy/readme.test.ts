import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** The fields that an interface of the public library declares. */
function fieldsOf(path: string, name: string): readonly string[] {
  const body = new RegExp(`^export interface ${name} \\{$([\\s\\S]*?)^\\}$`, 'm').exec(read(path));
  const fields = [...(body?.[1] ?? '').matchAll(/^ {2}(?:readonly )?(\w+)\??[:(]/gm)];
  return fields.map(([, field]) => field ?? '');
}

/** The names in the first column of a table that begins with the heading given. */
function firstColumn(heading: string): readonly string[] {
  const readme = read('README.md');
  const start = readme.indexOf(`\n| ${heading} |`);
  expect(start, `README.md has no table that begins with "${heading}"`).toBeGreaterThan(0);
  const [, , ...rows] =
    readme
      .slice(start + 1)
      .split('\n\n', 1)[0]
      ?.split('\n') ?? [];
  return rows.flatMap((row) => {
    return [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '');
  });
}

test('the table of options names every option and no other', () => {
  const options = fieldsOf('src/options.ts', 'EngineOptions');
  expect(options.length).toBeGreaterThan(10);
  expect(firstColumn('option').toSorted()).toEqual(options.toSorted());
});

test('the table of counters names every counter and no other', () => {
  const counters = fieldsOf('src/engine-stats.ts', 'EngineStats');
  expect(counters.length).toBeGreaterThan(20);
  expect(firstColumn('counter').toSorted()).toEqual(counters.toSorted());
});

test('the table of events names every event and no other', () => {
  const text = /^export interface EngineEvents \{$([\s\S]*?)^\}$/m.exec(
    read('src/engine-events.ts'),
  );
  const events = [...(text?.[1] ?? '').matchAll(/'([\w-]+)'/g)].map(([, name]) => name ?? '');
  const readme = read('README.md');
  const named = [...readme.matchAll(/engine\.on\('([\w-]+)'/g)].map(([, name]) => name ?? '');
  expect([...new Set(named)].toSorted()).toEqual(events.toSorted());
});
