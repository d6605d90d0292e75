/** The settings as options of a command. */
import { type Command, Option } from 'commander';
import { describeFlags } from '../config/describe.js';
import type { ConfigSources } from '../config/read-config.js';

/** Adds `--config` and one option for each setting. */
export function addSettingFlags(command: Command): Command {
  command.option('--config <file>', 'a config file, JSON (HOTSHARD_CONFIG)');
  for (const { flag, text } of describeFlags()) {
    command.addOption(new Option(flag, text));
  }
  return command;
}

/** Where the settings come from when the command was given these options. */
export function sourcesOf(options: Readonly<Record<string, unknown>>): ConfigSources {
  const { config } = options;
  const flags = new Map<string, string>();
  for (const { name, flag } of describeFlags()) {
    const value = options[new Option(flag).attributeName()];
    // A flag without a value says yes; settings that are not of that kind refuse it.
    if (value !== undefined) flags.set(name, value === true ? 'true' : String(value));
  }
  return {
    environment: process.env,
    flags,
    ...(typeof config === 'string' && { file: config }),
  };
}
