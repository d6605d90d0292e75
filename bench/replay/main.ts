import { writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { describeMachine } from '../lib/machine.js';
import { type CommandLine, helpText, parseCommandLine, UsageError } from './options.js';
import { ReplayError } from './replay-error.js';
import { createTarget, runReplay } from './replay-run.js';
import type { ReplayTarget } from './replay-target.js';
import { formatReport, reportJson } from './report.js';
import { WORKLOAD_PREFIX } from './trace-source.js';

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
const EXIT_SIGNAL_BASE = 128;

/** npm changes to the folder of the package and says in INIT_CWD where the person was. */
function fromCallersFolder(path: string): string {
  return resolve(process.env['INIT_CWD'] ?? process.cwd(), path);
}

/** A server started for the replay must not outlive it. */
function closeOnSignal(target: ReplayTarget): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      const exit = (): never => process.exit(EXIT_SIGNAL_BASE + constants.signals[signal]);
      target.close().then(exit, exit);
    });
  }
}

async function run(commandLine: Extract<CommandLine, { kind: 'run' }>): Promise<void> {
  const file = commandLine.file.startsWith(WORKLOAD_PREFIX)
    ? commandLine.file
    : fromCallersFolder(commandLine.file);
  const target = await createTarget(commandLine);
  closeOnSignal(target);
  try {
    const report = await runReplay({ ...commandLine, file }, target, process.stderr);
    process.stdout.write(formatReport(report));
    if (commandLine.jsonFile !== undefined) {
      await writeFile(
        fromCallersFolder(commandLine.jsonFile),
        reportJson(report, describeMachine()),
      );
    }
  } finally {
    await target.close();
  }
}

async function main(): Promise<void> {
  try {
    const commandLine = parseCommandLine(process.argv.slice(2));
    if (commandLine.kind === 'help') process.stdout.write(helpText());
    else await run(commandLine);
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error;
    const isUsage = error instanceof UsageError;
    const hint = isUsage ? '\nnpm run replay -- --help shows how to use it.' : '';
    process.stderr.write(`${error.message}${hint}\n`);
    process.exitCode = isUsage ? EXIT_USAGE : EXIT_FAILURE;
  }
}

await main();
