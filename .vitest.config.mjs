import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** 1 is the short form that every run uses; `npm run stress` and `npm run fuzz` raise it. */
const scale = Math.max(1, Number(process.env['HOTSHARD_TEST_SCALE'] ?? 1));

/** Tests that start programs of their own, or choose the transports themselves. */
const transportBlind = [
  'test/server/{child-process,examples,documents,threads}*.test.ts',
  'test/server/transport/**',
];

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'hotshard', include: ['test/**/*.test.ts'] } },
      {
        // The service behaves the same over both transports, so its tests run over both.
        extends: true,
        test: {
          name: 'node-transport',
          include: ['test/server/**/*.test.ts'],
          exclude: transportBlind,
          env: { HOTSHARD_TEST_TRANSPORT: 'node' },
        },
      },
    ],
    pool: 'forks',
    // Tests start worker threads and servers of their own: more files at once than this would
    // make them fight for the processor.
    maxWorkers: Math.min(2, availableParallelism()),
    testTimeout: 60_000 * scale,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    watch: false,
    cache: false,
    reporters: ['default', './.scripts/closing-line-reporter.mjs'],
  },
});
