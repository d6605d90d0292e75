/**
 * `npm run check`: every check that needs no test run. All of them run, so that one call shows
 * everything that is wrong; ends with code 1 when any of them failed.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const packages = join(root, 'node_modules');
const layers = ['native-free-core', 'workers', 'src', 'server', 'bench', 'test'];

/** @type {readonly { name: string, script: string, args: readonly string[] }[]} */
const steps = [
  { name: 'core and types', script: join(root, '.scripts/build.mjs'), args: [] },
  {
    name: 'types of tests and scripts',
    script: join(packages, 'typescript/bin/tsc'),
    args: ['--project', 'test/tsconfig.json'],
  },
  {
    name: 'lint and format',
    script: join(packages, '@biomejs/biome/bin/biome'),
    args: ['check', '--error-on-warnings'],
  },
  {
    name: 'import boundaries',
    script: join(packages, 'dependency-cruiser/bin/dependency-cruise.mjs'),
    args: layers,
  },
  { name: 'tidy', script: join(root, '.scripts/tidy.mjs'), args: [] },
];

const failedNames = [];
for (const { name, script, args } of steps) {
  process.stdout.write(`\n== ${name}\n`);
  const { status } = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) failedNames.push(name);
}
if (failedNames.length > 0) {
  process.stderr.write(`\ncheck failed: ${failedNames.join(', ')}\n`);
  process.exitCode = 1;
} else process.stdout.write('\ncheck passed\n');
