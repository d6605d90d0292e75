import { fork } from 'node:child_process';

/** A module that measures in a process of its own, so that heaps do not mix. */
export interface ChildScript {
  readonly script: URL;
  /** Flags for Node itself. */
  readonly nodeFlags?: readonly string[];
}

/**
 * Runs a script in a fresh process, hands it a parameter and resolves to what it reports.
 * Rejects when the process ends without a report.
 */
export function runChild<Outcome>(child: ChildScript, parameter: unknown): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const running = fork(child.script, [JSON.stringify(parameter)], {
      execArgv: [...(child.nodeFlags ?? [])],
      // Standard output is the report's alone.
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    let outcome: { readonly value: Outcome } | undefined;
    running.on('message', (value) => {
      outcome = { value: value as Outcome };
    });
    running.on('error', reject);
    running.on('exit', (code, signal) => {
      if (outcome !== undefined && code === 0) {
        resolve(outcome.value);
      } else {
        reject(new Error(`${child.script.pathname} ended with ${signal ?? `code ${code}`}`));
      }
    });
  });
}

/** Runs the body of a child script: its parameter in, its outcome to the parent. */
export async function reportToParent<P, Outcome>(
  measure: (parameter: P) => Promise<Outcome>,
): Promise<void> {
  const end = (): void => process.exit(1);
  // A parent that is gone leaves nobody to measure for.
  process.once('disconnect', end);
  const outcome = await measure(JSON.parse(process.argv[2] ?? 'null') as P);
  process.off('disconnect', end);
  await new Promise<void>((resolve, reject) => {
    process.send?.(outcome, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
  process.disconnect();
}

/** A full collection. Throws without `--expose-gc`, because figures would then not compare. */
export function collectGarbage(): void {
  if (globalThis.gc === undefined) {
    throw new Error('run with --expose-gc');
  }
  globalThis.gc();
}
