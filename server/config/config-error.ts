/** The settings are not usable; the message lists every problem, one a line. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the settings are not usable:\n  ${problems.join('\n  ')}`);
    this.problems = problems;
  }
}
