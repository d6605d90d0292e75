/** What a program is given. */
export interface StressOptions {
  readonly seed: number;
  /** As the engine's option. */
  readonly memory: string;
  /** The program's own numbers, by the name of their option. */
  readonly counts: Readonly<Record<string, number>>;
  /** A line of the result. */
  readonly print: (line: string) => void;
  /** A line of progress. */
  readonly log: (line: string) => void;
}

/** A program that runs for as long as it is told, and finds problems or none. */
export interface StressProgram {
  readonly name: string;
  readonly summary: string;
  /** Options and what they are unless given. */
  readonly counts: Readonly<Record<string, number>>;
  /** Resolves to what went wrong; empty when nothing did. */
  run(options: StressOptions): Promise<readonly string[]>;
}
