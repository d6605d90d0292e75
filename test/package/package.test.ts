import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readmePath = join(root, 'README.md');

/** A program from the README and what its comments promise that it prints. */
interface Example {
  readonly code: string;
  readonly printed: readonly string[];
}

/**
 * The example is the first ```js block below the heading "Library". Each line that calls
 * `console.log` ends in a comment `// prints: …`, which this test compares with the output.
 */
function readExample(readme: string): Example {
  const section = /^#+ +Library\b.*$([\s\S]*)/m.exec(readme)?.[1];
  if (section === undefined) throw new Error('README.md has no heading "Library"');
  const code = /^```js\n([\s\S]*?)^```$/m.exec(section)?.[1];
  if (code === undefined) throw new Error('README.md has no ```js block below "Library"');
  const logLines = code.split('\n').filter((line) => line.includes('console.log('));
  const printed = logLines.map((line) => {
    const comment = /\/\/ prints: (.*)$/.exec(line)?.[1];
    if (comment === undefined) throw new Error(`README.md: no "// prints:" comment in: ${line}`);
    return comment.trim();
  });
  return { code, printed };
}

/** npm hands its own settings to scripts; a nested npm must not take them for the new folder's. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env);
  const own = /^(?:npm_(?:lifecycle|package|command|execpath|node)|NODE_OPTIONS$|VITEST|INIT_CWD)/;
  return Object.fromEntries(entries.filter(([name]) => !own.test(name)));
}

function runNpm(args: readonly string[], cwd: string): string {
  const options = { cwd, encoding: 'utf8', env: cleanEnvironment() } as const;
  return execFileSync('npm', [...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
}

interface PackReport {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

let folder = '';
let report: PackReport;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotshard-package-'));
  const packArgs = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [packed] = JSON.parse(runNpm(packArgs, root)) as [PackReport];
  report = packed;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the package', () => {
  test('holds the compiled layers, the core in both shipped variants, and nothing else', () => {
    const paths = report.files.map(({ path }) => path);
    const required = ['package.json', 'README.md', 'LICENSE', 'dist/src/index.js'];
    const declared = ['dist/src/index.d.ts', 'dist/server/main.js'];
    const cores = ['dist/native-free-core/core.wasm', 'dist/native-free-core/core-weak.wasm'];
    expect(paths).toEqual(expect.arrayContaining([...required, ...declared, ...cores]));
    const layer = /^dist\/(?:native-free-core|workers|src|server)\//;
    const alone = new Set(['package.json', 'README.md', 'LICENSE']);
    const strangers = paths.filter((path) => !layer.test(path) && !alone.has(path));
    expect(strangers).toEqual([]);
    const leftovers = paths.filter((path) => /\.tsbuildinfo$|core-trap|\.d\.ts\.map$/.test(path));
    expect(leftovers).toEqual([]);
  });

  test("runs the README's library example when installed in an empty folder", () => {
    expect(existsSync(readmePath), 'README.md is missing').toBe(true);
    const { code, printed } = readExample(readFileSync(readmePath, 'utf8'));
    expect(printed.length).toBeGreaterThan(0);

    const home = join(folder, 'user');
    mkdirSync(home);
    writeFileSync(join(home, 'package.json'), '{ "name": "user", "private": true }\n');
    const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
    runNpm(['install', ...quiet, join(folder, report.filename)], home);
    writeFileSync(join(home, 'example.mjs'), code);

    const result = spawnSync(process.execPath, ['example.mjs'], {
      cwd: home,
      encoding: 'utf8',
      env: cleanEnvironment(),
      timeout: 30_000,
    });
    expect(result.stderr).toBe('');
    expect(result.stdout.trimEnd().split('\n')).toEqual(printed);
    expect(result.status).toBe(0);
  });
});

describe("the reader of the README's example", () => {
  const fence = '`'.repeat(3);
  const readme = (block: string): string => `# A\n\n## Library\n\n${fence}js\n${block}${fence}\n`;

  test('takes the code and the promised output', () => {
    const code = "console.log('a'); // prints: a\n";
    expect(readExample(readme(code))).toEqual({ code, printed: ['a'] });
  });

  test('says what is missing', () => {
    expect(() => readExample('# A')).toThrow('no heading "Library"');
    expect(() => readExample('## Library\n')).toThrow('block below "Library"');
    expect(() => readExample(readme('console.log(1);\n'))).toThrow('"// prints:"');
  });
});
