import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { formatClosingLine } from '../../.scripts/closing-line-reporter.mjs';
import { listFiles, tidy } from '../../.scripts/tidy.mjs';
import {
  FILE_LINES_GOAL,
  FILE_LINES_MAX,
  FUNCTION_LINES_MAX,
  inspectFile,
  inspectTopLevel,
  LINE_COLUMNS_MAX,
  rules,
} from '../../.scripts/tidy-rules.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Sample {
  readonly rule: string;
  readonly path: string;
  readonly text: string;
  /** Line of the finding, from 1. */
  readonly line?: number;
}

const lines = (count: number): string => 'const a = 1;\n'.repeat(count);
const body = (lineCount: number): string => `{\n${'  a += 1;\n'.repeat(lineCount - 2)}}\n`;
const assembly = 'native-free-core/assembly/ring.ts';
// Put together here, so that this file passes the rules which it proves.
const unfinished = ['TO', 'DO'].join('');
const broken = ['FIX', 'ME'].join('');
const machinePath = ['', 'home', 'someone', 'file'].join('/');
const registryUrl = ['https://registry', 'npmjs', 'org/a'].join('.');
const ignoreComment = ['// @ts', 'ignore'].join('-');

const badSamples: readonly Sample[] = [
  { rule: 'function-length', path: 'src/a.ts', text: `function f() ${body(71)}` },
  { rule: 'function-length', path: 'src/a.ts', text: `const f = () => ${body(71)}` },
  { rule: 'function-length', path: 'src/a.ts', text: `class A {\n  m() ${body(71)}}`, line: 2 },
  {
    rule: 'function-length',
    path: assembly,
    text: `@inline\nfunction f(a: u32): void ${body(71)}`,
  },
  { rule: 'function-length', path: 'test/a.test.ts', text: `test('x', () => ${body(71)});` },
  { rule: 'file-length', path: 'src/a.ts', text: lines(FILE_LINES_MAX + 1) },
  { rule: 'file-length', path: assembly, text: lines(FILE_LINES_MAX + 1) },
  { rule: 'file-name', path: 'src/utils.ts', text: '' },
  { rule: 'file-name', path: 'bench/lib/helpers.ts', text: '' },
  { rule: 'file-name', path: 'workers/types.ts', text: '' },
  { rule: 'file-name', path: 'server/common.ts', text: '' },
  { rule: 'default-export', path: 'src/a.ts', text: 'export default function f() {}' },
  { rule: 'default-export', path: 'server/a.ts', text: 'const a = 1;\nexport default a;', line: 2 },
  { rule: 'default-export', path: 'bench/a.ts', text: 'const a = 1; export { a as default };' },
  { rule: 'barrel', path: 'workers/index.ts', text: "export * from './clock.js';" },
  { rule: 'barrel', path: 'src/codec/index.ts', text: "export { a } from './a.js';" },
  { rule: 'layer-import', path: 'src/a.ts', text: "import { a } from '../server/a.js';" },
  { rule: 'layer-import', path: 'src/b/a.ts', text: "import type { A } from '../../server/a.js';" },
  { rule: 'layer-import', path: 'server/a.ts', text: "import { a } from '../src/engine.js';" },
  { rule: 'layer-import', path: 'workers/a.ts', text: "await import('../src/index.js');" },
  { rule: 'layer-import', path: assembly, text: "import { a } from '../../workers/a';" },
  { rule: 'console', path: 'src/a.ts', text: "function f() {\n  console.log('x');\n}", line: 2 },
  { rule: 'console', path: 'native-free-core/a.ts', text: 'console.error(1);' },
  { rule: 'test-modifier', path: 'test/a.test.ts', text: "test.skip('x', () => {});" },
  { rule: 'test-modifier', path: 'test/a.test.ts', text: "describe.only('x', () => {});" },
  { rule: 'test-modifier', path: 'test/a.test.ts', text: "it.todo('x');" },
  { rule: 'test-delay', path: 'test/a.test.ts', text: 'setTimeout(resolve, 1_000);' },
  { rule: 'test-delay', path: 'test/a.test.ts', text: 'await timers.setTimeout(100);' },
  { rule: 'suppression', path: 'src/a.ts', text: `a();\n${ignoreComment}\nb();`, line: 2 },
  { rule: 'banned-word', path: 'src/a.ts', text: `a();\n// ${unfinished}: later`, line: 2 },
  { rule: 'banned-word', path: 'docs/A.md', text: `${broken} this` },
  { rule: 'registry-host', path: 'package-lock.json', text: `"resolved": "${registryUrl}"` },
  { rule: 'machine-path', path: 'README.md', text: `see \`${machinePath}\`` },
  { rule: 'machine-path', path: 'bench/a.ts', text: `const path = '${machinePath}';` },
  { rule: 'line-form', path: 'src/a.ts', text: `// ${'a '.repeat(LINE_COLUMNS_MAX / 2)}` },
  { rule: 'line-form', path: assembly, text: `const a = ${'1 + '.repeat(LINE_COLUMNS_MAX / 4)}1;` },
  { rule: 'line-form', path: assembly, text: 'function f(): void {\n\treturn;\n}', line: 2 },
  { rule: 'line-form', path: assembly, text: 'function f(): void {\n   return;\n}', line: 2 },
  { rule: 'line-form', path: assembly, text: 'const a = 1; \n' },
];

const goodSamples: readonly Omit<Sample, 'rule' | 'line'>[] = [
  { path: 'src/a.ts', text: `export function f() ${body(FUNCTION_LINES_MAX)}` },
  { path: 'test/a.test.ts', text: `describe('x', () => ${body(FUNCTION_LINES_MAX + 1)});` },
  { path: 'src/a.ts', text: lines(FILE_LINES_GOAL) },
  { path: 'src/index.ts', text: "export { a } from './a.js';" },
  { path: 'native-free-core/assembly/core.ts', text: "export { a } from './ring';" },
  { path: 'src/a.ts', text: 'switch (a) {\n  default:\n    b();\n}' },
  { path: 'server/a.ts', text: "import { a } from '../src/index.js';" },
  { path: 'workers/a.ts', text: "import { a } from '../native-free-core/a.js';" },
  { path: 'server/main.ts', text: "console.log('listening');" },
  { path: 'test/a.test.ts', text: 'setTimeout(resolve, 5);' },
  { path: 'docs/A.md', text: 'PUT /cache/home and /cache/tmp/a' },
  { path: assembly, text: '/**\n * A ring.\n */\nfunction f(): void {\n  return;\n}\n' },
];

describe('tidy', () => {
  test('the repository is tidy', () => {
    expect(tidy(root).errors).toEqual([]);
  });

  test('each bad sample is reported by its rule at its line', () => {
    for (const { rule, path, text, line } of badSamples) {
      const found = inspectFile(path, text).filter(({ warning }) => warning !== true);
      expect(found.map((finding) => `${finding.rule}:${finding.line}`)).toContain(
        `${rule}:${line ?? 1}`,
      );
    }
  });

  test('each rule has a bad sample', () => {
    const proven = new Set(badSamples.map(({ rule }) => rule));
    expect(rules.map(({ name }) => name).filter((name) => !proven.has(name))).toEqual([]);
  });

  test('a sample at the limit of a rule is not reported', () => {
    for (const { path, text } of goodSamples) expect(inspectFile(path, text)).toEqual([]);
  });

  test('a file between goal and limit gives a warning alone', () => {
    const [finding, ...others] = inspectFile('src/a.ts', lines(FILE_LINES_MAX));
    expect(finding).toMatchObject({ rule: 'file-length', warning: true });
    expect(others).toEqual([]);
  });

  test('what does not belong in the root folder is named', () => {
    const names = ['src', 'lib', 'package.json', 'asconfig.json', '.ci', 'README.md', 'notes.md'];
    expect(inspectTopLevel(names)).toEqual(['lib', 'asconfig.json', 'notes.md']);
  });

  test('a whole tree is walked, without what git ignores', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hotshard-tidy-'));
    try {
      for (const name of ['src/deep', 'dist', 'node_modules/a', '.ci', 'lib']) {
        mkdirSync(join(folder, name), { recursive: true });
      }
      writeFileSync(join(folder, '.gitignore'), readFileSync(join(root, '.gitignore')));
      for (const name of [
        'src/deep/a.ts',
        'dist/a.js',
        'node_modules/a/a.js',
        '.ci/run',
        'lib/b',
      ]) {
        writeFileSync(join(folder, name), `// ${broken}\n`);
      }
      expect(listFiles(folder)).toEqual(['.ci/run', '.gitignore', 'lib/b', 'src/deep/a.ts']);
      expect(tidy(folder).errors.map((line) => line.split(': ', 2).join(': '))).toEqual([
        'lib: top-level',
        '.ci/run:1: banned-word',
        'lib/b:1: banned-word',
        'src/deep/a.ts:1: banned-word',
      ]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('the closing line of a test run', () => {
  test('says what passed and what failed, and what was skipped only where there is any', () => {
    expect(formatClosingLine({ passed: 3, failed: 0, skipped: 0 }, false)).toBe(
      '3 passed, 0 failed',
    );
    expect(formatClosingLine({ passed: 3, failed: 1, skipped: 2 }, true)).toBe(
      '3 passed, 1 failed, 2 skipped',
    );
  });

  test('never reports success for a run that ended with an error', () => {
    expect(formatClosingLine({ passed: 3, failed: 0, skipped: 0 }, true)).toBe(
      '3 passed, 1 failed',
    );
  });
});
