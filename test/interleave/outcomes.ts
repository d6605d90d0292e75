/**
 * Judges an exploration in the form of jcstress: every outcome is listed as acceptable or
 * forbidden, each with its reason. An outcome that nobody thought of is a finding, and so is an
 * acceptable one that no schedule reaches: the model or the list is then not what its author
 * believed.
 */
import type { MemoryModel } from './machine.js';
import type { Protocol } from './protocol.js';
import type { Exploration } from './schedules.js';
import { explore } from './schedules.js';

export interface OutcomeTable {
  /** Outcomes that must all occur, with why they are right. */
  readonly acceptable: Readonly<Record<string, string>>;
  /** Outcomes that must never occur, with what they would mean. */
  readonly forbidden: Readonly<Record<string, string>>;
}

/** What is wrong with a sound protocol's exploration: empty when it is as listed. */
export function findings(exploration: Exploration, table: OutcomeTable): string[] {
  const problems: string[] = [];
  for (const { name, schedule } of exploration.outcomes.values()) {
    if (name in table.acceptable) continue;
    const reason = table.forbidden[name];
    const verdict = reason === undefined ? `not listed: ${name}` : `forbidden: ${name} (${reason})`;
    problems.push([verdict, ...schedule].join('\n  '));
  }
  for (const name of Object.keys(table.acceptable)) {
    if (!exploration.outcomes.has(name)) problems.push(`never reached: ${name}`);
  }
  return problems;
}

/** The forbidden outcomes that a broken protocol reaches, in the order of their names. */
export function forbiddenOutcomes(exploration: Exploration, table: OutcomeTable): string[] {
  return [...exploration.outcomes.keys()].filter((name) => name in table.forbidden).sort();
}

/**
 * Explores a model. With HOTSHARD_TEST_MODELS set it counts the schedules too, and prints the size
 * of the model: the figures of the documents.
 */
export function examine(title: string, protocol: Protocol, memory: MemoryModel): Exploration {
  const print = process.env['HOTSHARD_TEST_MODELS'] !== undefined;
  const exploration = explore(protocol, { memory, countSchedules: print });
  if (print) process.stdout.write(`${describeSize(`${title}, ${memory}`, exploration)}\n`);
  return exploration;
}

function describeSize(title: string, exploration: Exploration): string {
  const { stateCount, transitionCount, scheduleCount } = exploration;
  const schedules = scheduleCount === undefined ? 'endless' : Number(scheduleCount).toPrecision(2);
  const outcomes = [...exploration.outcomes.keys()].join(' | ');
  return `${title}: ${stateCount} states, ${transitionCount} steps, ${schedules} schedules: ${outcomes}`;
}
