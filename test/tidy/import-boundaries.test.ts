import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cruiserPath = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const layers = ['native-free-core', 'workers', 'src', 'server', 'bench', 'test'];

/** A tree that keeps every rule. */
const goodFiles: Readonly<Record<string, string>> = {
  'native-free-core/assembly/layout.ts': 'export const ITEM_BYTES: u32 = 72;',
  'native-free-core/assembly/core.ts': "export { ITEM_BYTES } from './layout';",
  'native-free-core/status.ts': 'export const OK: number = 0;',
  'workers/clock.ts': "import { OK } from '../native-free-core/status.js'; export const now = OK;",
  'src/engine.ts': "import { now } from '../workers/clock.js'; export const start = now;",
  'src/client/client.ts': 'export const client = 1;',
  'src/index.ts': "export { start } from './engine.js';",
  'server/main.ts': "import { start } from '../src/index.js'; export const main = start;",
  'bench/main.ts': "import { OK } from '../native-free-core/status.js'; export const b = OK;",
  'test/a.test.ts': "import { b } from '../bench/main.js'; export const t = b;",
};

interface Planted {
  readonly rule: string;
  readonly path: string;
  readonly text: string;
}

const plantedFiles: readonly Planted[] = [
  {
    rule: 'client-is-portable',
    path: 'src/client/uses-node.ts',
    text: "import { join } from 'node:path'; export const x = join;",
  },
  {
    rule: 'client-is-portable',
    path: 'src/client/uses-engine.ts',
    text: "import { start } from '../engine.js'; export const x = start;",
  },
  {
    rule: 'layer-native-free-core',
    path: 'native-free-core/upward.ts',
    text: "import { now } from '../workers/clock.js'; export const x = now;",
  },
  {
    rule: 'layer-workers',
    path: 'workers/upward.ts',
    text: "import { start } from '../src/engine.js'; export const x = start;",
  },
  {
    rule: 'layer-src',
    path: 'src/upward.ts',
    text: "import { main } from '../server/main.js'; export const x = main;",
  },
  {
    rule: 'layer-server',
    path: 'server/skips-to-core.ts',
    text: "import { OK } from '../native-free-core/status.js'; export const x = OK;",
  },
  {
    rule: 'layer-server',
    path: 'server/skips-index.ts',
    text: "import { start } from '../src/engine.js'; export const x = start;",
  },
  {
    rule: 'layer-server',
    path: 'server/skips-by-type.ts',
    text: "import type { now } from '../workers/clock.js'; export type X = typeof now;",
  },
  {
    rule: 'core-is-pure',
    path: 'native-free-core/reads-files.ts',
    text: "import { readFileSync } from 'node:fs'; export const x = readFileSync;",
  },
  {
    rule: 'core-is-pure',
    path: 'native-free-core/hashes.ts',
    text: "import xxhash from 'xxhash-wasm'; export const x = xxhash;",
  },
  {
    rule: 'core-is-pure',
    path: 'native-free-core/unknown-package.ts',
    text: "import x from 'a-package-that-is-not-installed'; export const y = x;",
  },
  {
    rule: 'assembly-stays-apart',
    path: 'native-free-core/binding.ts',
    text: "import { ITEM_BYTES } from './assembly/core.js'; export const x = ITEM_BYTES;",
  },
  {
    rule: 'assembly-imports-assembly',
    path: 'native-free-core/assembly/reader.ts',
    text: "import { OK } from '../status'; export const x = OK;",
  },
  {
    rule: 'uws-only-in-server',
    path: 'src/fast-http.ts',
    text: "import { App } from 'uWebSockets.js'; export const x = App;",
  },
  {
    rule: 'nothing-imports-bench-or-test',
    path: 'src/uses-bench.ts',
    text: "import { b } from '../bench/main.js'; export const x = b;",
  },
  {
    rule: 'product-has-no-dev-dependency',
    path: 'src/compares.ts',
    text: "import { LRUCache } from 'lru-cache'; export const x = LRUCache;",
  },
  {
    rule: 'no-circular',
    path: 'workers/first.ts',
    text: "import { second } from './second.js'; export const first = () => second;",
  },
  {
    // Closes the circle, which is reported once, and skips upward besides.
    rule: 'layer-workers',
    path: 'workers/second.ts',
    text: "export { first } from './first.js'; export { start as second } from '../src/engine.js';",
  },
  {
    rule: 'no-missing-file',
    path: 'workers/lost.ts',
    text: "import { gone } from './gone.js'; export const x = gone;",
  },
];

interface CruiseReport {
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { name: string } }[];
  };
}

let folder = '';

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), `${text}\n`);
}

function cruise(): string[] {
  const args = [cruiserPath, ...layers, '--output-type', 'json'];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  expect(stderr).toBe('');
  const report = JSON.parse(stdout) as CruiseReport;
  return report.summary.violations.map(({ from, rule }) => `${rule.name} ${from}`);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotshard-boundaries-'));
  for (const name of ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json']) {
    copyFileSync(join(root, name), join(folder, name));
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const [path, text] of Object.entries(goodFiles)) write(path, text);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a tree that keeps the layers passes, and each planted import is reported by name', () => {
  expect(cruise()).toEqual([]);
  for (const { path, text } of plantedFiles) write(path, text);
  const violations = cruise();
  for (const { rule, path } of plantedFiles) expect(violations).toContain(`${rule} ${path}`);
  const plantedPaths = new Set(plantedFiles.map(({ path }) => path));
  const others = violations.filter((line) => !plantedPaths.has(line.split(' ')[1] ?? ''));
  expect(others).toEqual([]);
});

test('the repository itself keeps the layers', () => {
  const args = [cruiserPath, ...layers];
  const output = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  expect(output).toContain('no dependency violations found');
});

test('every rule is planted once and says what to do instead', async () => {
  const { default: configuration } = await import('../../.dependency-cruiser.mjs');
  const rules = configuration.forbidden ?? [];
  const planted = new Set(plantedFiles.map(({ rule }) => rule));
  expect(rules.map(({ name }) => name).filter((name) => !planted.has(name ?? ''))).toEqual([]);
  for (const { comment } of rules) expect(comment?.length).toBeGreaterThan(40);
});
