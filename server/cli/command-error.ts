/** A command failed in a way that its user can understand; the message is all that is printed. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
  /** 1 for a failure, 2 for a command that was not written correctly. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
