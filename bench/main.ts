import { writeFile } from 'node:fs/promises';
import { type Command, HELP, parseCommand } from './lib/command-line.js';
import { describeMachine } from './lib/machine.js';
import { createReport, formatMachine, formatReport, type Report } from './lib/report.js';
import type { Suite } from './lib/suite.js';
import { engineSuite } from './suites/engine.js';
import { hitRatioSuite } from './suites/hit-ratio.js';
import { httpSuite } from './suites/http.js';
import { memorySuite } from './suites/memory.js';
import { pausesSuite } from './suites/pauses.js';
import { restartSuite } from './suites/restart.js';
import { threadsSuite } from './suites/threads.js';

const SUITES: readonly Suite[] = [
  engineSuite,
  threadsSuite,
  pausesSuite,
  memorySuite,
  httpSuite,
  hitRatioSuite,
  restartSuite,
];
const ALL = 'all';
const EXIT_USAGE = 2;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function printProgress(line: string): void {
  process.stderr.write(`${line}\n`);
}

function listSuites(): string {
  return SUITES.flatMap(({ name, summary, resultNames }) => [
    `${name.padEnd(10)}${summary}`,
    `${' '.repeat(10)}${resultNames.join(' ')}`,
  ]).join('\n');
}

function selectSuites(name: string): readonly Suite[] {
  const selected = name === ALL ? SUITES : SUITES.filter((suite) => suite.name === name);
  if (selected.length === 0) {
    const names = [...SUITES.map((suite) => suite.name), ALL].join(', ');
    throw new RangeError(`no suite "${name}"; there are ${names}`);
  }
  return selected;
}

async function runSuites(command: Extract<Command, { kind: 'run' }>): Promise<void> {
  const suites = selectSuites(command.suite);
  const machine = describeMachine();
  print(formatMachine(machine));
  const reports: Report[] = [];
  for (const suite of suites) {
    const outcome = await suite.run({ ...command, log: printProgress });
    const report = createReport(suite.name, machine, command, outcome);
    reports.push(report);
    for (const page of outcome.pages ?? []) print(`\n${page}`);
    print(`\n${formatReport(report)}`);
  }
  if (command.jsonFile !== undefined) {
    const content = command.suite === ALL ? reports : reports[0];
    await writeFile(command.jsonFile, `${JSON.stringify(content, null, 2)}\n`);
  }
}

async function main(words: readonly string[]): Promise<void> {
  const command = parseCommand(words);
  switch (command.kind) {
    case 'help':
      print(HELP);
      break;
    case 'list':
      print(listSuites());
      break;
    case 'run':
      await runSuites(command);
      break;
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof RangeError || error instanceof TypeError;
  process.stderr.write(`${isUsage ? error.message : ((error as Error).stack ?? error)}\n`);
  process.exitCode = isUsage ? EXIT_USAGE : 1;
}
