/**
 * `npm run test:node24`: the tests of the service, and of the engine below it, on the newest LTS of
 * Node.js, which the package `node` of the registry brings. uWebSockets.js has no binary for it, so
 * node:http serves.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const release = process.env['HOTSHARD_TEST_NODE'] ?? '24';
const suites = ['test/server', 'test/unit/server', 'test/client', 'test/engine/everything'];
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const given = process.argv.slice(2);

const { status } = spawnSync(
  'npx',
  [
    ...['--yes', '--package', `node@${release}`, '--', 'node'],
    ...[vitest, 'run', '--config', '.vitest.config.mjs', '--project', 'hotshard'],
    ...(given.length > 0 ? given : suites),
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
