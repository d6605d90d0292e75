/**
 * Ends a test run with one plain line, `N passed, N failed` and `, N skipped` where there are any,
 * which continuous integration reads.
 */

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/**
 * @param {readonly import('vitest/node').TestModule[]} modules
 * @param {number} unhandledErrorCount errors that no test caught
 * @returns {Counts}
 */
function countTests(modules, unhandledErrorCount) {
  const counts = { passed: 0, failed: unhandledErrorCount, skipped: 0 };
  for (const module of modules) {
    const failedBefore = counts.failed;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') counts.passed += 1;
      else if (state === 'skipped') counts.skipped += 1;
      else counts.failed += 1;
    }
    // A file that cannot be loaded, or a hook that throws, has no failed test of its own.
    if (module.state() === 'failed' && counts.failed === failedBefore) counts.failed += 1;
  }
  return counts;
}

/**
 * @param {Counts} counts
 * @param {boolean} processFailed the run ends with a code other than 0
 * @returns {string}
 */
export function formatClosingLine(counts, processFailed) {
  const failed = processFailed ? Math.max(1, counts.failed) : counts.failed;
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  return `${counts.passed} passed, ${failed} failed${skipped}`;
}

export class ClosingLineReporter {
  /** @type {Counts} */
  #counts = { passed: 0, failed: 0, skipped: 0 };

  constructor() {
    // The other reporters and the summary of unhandled errors print before the process ends.
    process.once('exit', (code) => {
      process.stdout.write(`\n${formatClosingLine(this.#counts, code !== 0)}\n`);
    });
  }

  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    this.#counts = countTests(modules, unhandledErrors.length);
  }
}

// vitest takes a reporter from a file by its default export.
export default ClosingLineReporter;
