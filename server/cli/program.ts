/** The command line: which commands there are, and how they end. Each is loaded when it is run. */
import { Command, CommanderError } from 'commander';
import { readPackageVersion } from '../package-version.js';
import { CommandError } from './command-error.js';

const USAGE_EXIT_CODE = 2;

type Options = Readonly<Record<string, unknown>>;

/**
 * Runs the command that the arguments name.
 *
 * @param args the arguments after the name of the program
 * @returns the exit code: 0, 1 for a failure, 2 for a command that was not written correctly
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = createProgram((code) => {
    exitCode = code;
  });
  try {
    const configured = program.commands.filter((command) => command.name() === args[0]);
    await addSettings(configured.flatMap((command) => [command, ...command.commands]));
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return reportFailure(error);
  }
}

/** Commands of the settings are given one option for each of them, when they are asked for. */
async function addSettings(commands: readonly Command[]): Promise<void> {
  const takers = commands.filter((command) => ['serve', 'check'].includes(command.name()));
  if (takers.length === 0) return;
  const { addSettingFlags } = await import('./setting-flags.js');
  for (const command of takers) addSettingFlags(command);
}

/** Failures that a user can mend are their message alone; anything else comes with its stack. */
function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
  if (error instanceof CommandError) {
    process.stderr.write(`hotshard: ${error.message}\n`);
    return error.exitCode;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`hotshard: ${text}\n`);
  return 1;
}

function createProgram(end: (exitCode: number) => void): Command {
  const program = new Command('hotshard')
    .description('A cache whose entries are in memory that all threads share.')
    .version(readPackageVersion(), '-v, --version')
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => {
        write(
          `hotshard: ${text
            .replace(/^error: /, '')
            .trim()
            .replaceAll('\n', ' ')}\n`,
        );
      },
    });
  program
    .command('serve')
    .description('serve the cache over HTTP and WebSocket')
    .action(async (options: Options) => {
      const { serve } = await import('./serve.js');
      end(await serve(options));
    });
  const config = program.command('config').description('look at the settings');
  config
    .command('check')
    .description('print the settings in force and where each is from, or all that is wrong')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const { checkConfig } = await import('./config-check.js');
      end(checkConfig(options));
    });
  return program;
}
