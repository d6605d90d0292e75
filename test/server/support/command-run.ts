import { type ChildResult, ChildService } from './child-service.js';

/** What a command is given besides its arguments. */
export interface CommandInput {
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
}

/** Runs the built program with a command to its end; neither end of it is a terminal. */
export function runCommand(
  args: readonly string[],
  { environment = {}, input = '' }: CommandInput = {},
): Promise<ChildResult> {
  return new ChildService(environment, args, input).ended;
}
