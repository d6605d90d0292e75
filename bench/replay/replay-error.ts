/** A fault of the input or of the command line: its message is for the person, without a stack. */
export class ReplayError extends Error {
  override readonly name: string = 'ReplayError';
}
