/** The command line: which commands there are, and how they end. Each is loaded when it is run. */
import { Command, CommanderError, Option } from 'commander';
import { URL_NAME } from '../config/own-names.js';
import { readPackageVersion } from '../package-version.js';
import type { BenchOptions } from './bench/run-bench.js';
import { CommandError } from './command-error.js';
import type { EntryOptions, SetOptions } from './entry-commands.js';
import type { InvalidateOptions, KeysOptions } from './key-commands.js';
import { DEFAULT_URL, type ServiceOptions } from './service-options.js';
import type { TopOptions } from './top/watch-top.js';

const USAGE_EXIT_CODE = 2;

type Options = Readonly<Record<string, unknown>>;
type End = (exitCode: number) => void;

/**
 * Runs the command that the arguments name.
 *
 * @param args the arguments after the name of the program
 * @returns the exit code: 0, 1 for a failure, 2 for a command that was not written correctly
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  if (args[0] !== 'serve') endWithReader();
  const program = createProgram((code) => {
    exitCode = code;
  });
  try {
    const configured = program.commands.filter((command) => command.name() === args[0]);
    await addSettings(configured.flatMap((command) => [command, ...command.commands]));
    await program.parseAsync(args, { from: 'user' });
    await flushOutput();
    return exitCode;
  } catch (error) {
    return reportFailure(error);
  }
}

/** Whoever reads the output may have seen enough, such as `head`: that is no failure. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}

/** What the reader of a pipe has not taken yet would be lost with the process. */
async function flushOutput(): Promise<void> {
  if (process.stdout.writableLength === 0) return;
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
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

function createProgram(end: End): Command {
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
  addServiceCommands(program, end);
  addEntryCommands(program, end);
  addKeyCommands(program, end);
  addWatchCommands(program, end);
  return program;
}

/** Commands that run in this process alone. */
function addServiceCommands(program: Command, end: End): void {
  program
    .command('serve')
    .description('serve the cache over HTTP and WebSocket')
    .action(async (options: Options) => {
      const { serve } = await import('./serve.js');
      end(await serve(options));
    });
  program
    .command('config')
    .description('look at the settings')
    .command('check')
    .description('print the settings in force and where each is from, or all that is wrong')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const { checkConfig } = await import('./config-check.js');
      end(checkConfig(options));
    });
}

/** A command that talks to a running service. */
function clientCommand(program: Command, usage: string, description: string): Command {
  const url = new Option('--url <url>', 'where the service is').default(DEFAULT_URL).env(URL_NAME);
  return program
    .command(usage)
    .description(description)
    .addOption(url)
    .option('--json', 'print JSON');
}

function namespaced(command: Command): Command {
  return command.option('-n, --namespace <name>', 'whose entries are meant', '');
}

function addEntryCommands(program: Command, end: End): void {
  namespaced(clientCommand(program, 'get <key>', 'print the value of a key')).action(
    async (key: string, options: EntryOptions) => {
      const { getEntry } = await import('./entry-commands.js');
      end(await getEntry(key, options));
    },
  );
  namespaced(clientCommand(program, 'set <key> [value]', 'store a value, - reads it from input'))
    .option('--ttl <duration>', 'seconds, a duration such as 10m, or never')
    .option('--tags <tags>', 'tags between commas')
    .option('--type <type>', 'json, text, bytes, msgpack, or a media type')
    .option('--nx', 'only if the key is not there')
    .option('--xx', 'only if the key is there')
    .action(async (key: string, value: string | undefined, options: SetOptions) => {
      const { setEntry } = await import('./entry-commands.js');
      end(await setEntry(key, value, options));
    });
  namespaced(clientCommand(program, 'del <keys...>', 'remove entries; print how many')).action(
    async (keys: readonly string[], options: EntryOptions) => {
      const { deleteEntries } = await import('./entry-commands.js');
      end(await deleteEntries(keys, options));
    },
  );
}

function addKeyCommands(program: Command, end: End): void {
  namespaced(clientCommand(program, 'keys', 'list keys, one a line'))
    .option('--prefix <text>', 'how the keys begin')
    .option('--pattern <glob>', 'what the keys match: * ? [a-z]')
    .option('--limit <count>', 'list no more')
    .action(async (options: KeysOptions) => {
      const { listKeys } = await import('./key-commands.js');
      end(await listKeys(options));
    });
  namespaced(clientCommand(program, 'invalidate', 'remove many entries; print how many'))
    .option('--prefix <text>', 'how the keys begin')
    .option('--pattern <glob>', 'what the keys match: * ? [a-z]')
    .option('--tag <tag>', 'a tag that the entries have')
    .option('--all', 'every entry of the namespace')
    .action(async (options: InvalidateOptions) => {
      const { invalidate } = await import('./key-commands.js');
      end(await invalidate(options));
    });
}

function addWatchCommands(program: Command, end: End): void {
  clientCommand(program, 'stats', 'print what the service has counted').action(
    async (options: ServiceOptions) => {
      const { printStats } = await import('./stats.js');
      end(await printStats(options));
    },
  );
  clientCommand(program, 'top', 'watch hit ratio, rates, latency and memory of each shard')
    .option('--interval <duration>', 'seconds, or a duration such as 500ms', '1s')
    .option('--count <snapshots>', 'end after so many')
    .action(async (options: TopOptions) => {
      const { watchTop } = await import('./top/watch-top.js');
      end(await watchTop(options));
    });
  clientCommand(program, 'bench', 'a quick check of how fast the service answers from here')
    .option('--seconds <count>', 'how long', '3')
    .option('--connections <count>', 'connections at once', '16')
    .option('--pipeline <count>', 'requests at once on each connection', '1')
    .option('--value-bytes <count>', 'size of the values', '256')
    .option('--keys <count>', 'different keys', '1000')
    .option('--puts <percent>', 'share of PUT, the others are GET', '10')
    .action(async (options: BenchOptions) => {
      const { runBench } = await import('./bench/run-bench.js');
      end(await runBench(options));
    });
}
