/**
 * Judges an exploration in the form of jcstress: every outcome is listed as acceptable or forbidden,
 * each with its reason. An outcome that nobody thought of is a finding, and so is an acceptable one
 * that no schedule reaches: the model or the list is then not what its author believed.
 */
import type { Exploration } from './schedules.js';

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

/** Prints the size of a model when HOTSHARD_TEST_MODELS is set; the figures of the documents. */
export function report(title: string, exploration: Exploration): Exploration {
  if (process.env['HOTSHARD_TEST_MODELS'] === undefined) return exploration;
  const { stateCount, transitionCount, scheduleCount } = exploration;
  const schedules = scheduleCount === undefined ? 'cyclic' : scheduleCount.toLocaleString('en');
  const outcomes = [...exploration.outcomes.keys()].join(' | ');
  process.stdout.write(
    `${title}: ${stateCount} states, ${transitionCount} steps, ${schedules} schedules: ${outcomes}\n`,
  );
  return exploration;
}
