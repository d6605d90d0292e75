import { describeSettings } from './config.js';

/** What the command line asks for. */
export type CommandLine =
  | { readonly kind: 'serve' | 'help' | 'version' }
  | { readonly kind: 'unknown'; readonly argument: string };

/** @param args the arguments after the name of the program */
export function readCommandLine(args: readonly string[]): CommandLine {
  for (const argument of args) {
    if (argument === '--help' || argument === '-h') return { kind: 'help' };
    if (argument === '--version' || argument === '-v') return { kind: 'version' };
    return { kind: 'unknown', argument };
  }
  return { kind: 'serve' };
}

export function helpText(version: string): string {
  return `hotshard ${version}: a cache server whose entries are in memory shared by all threads

Usage: hotshard [--help | --version]

  PUT    /cache/{key}   stores the body; X-Cache-TTL: seconds; Content-Type is kept
  GET    /cache/{key}   answers with the body, X-Cache-Hit and X-Cache-TTL-Remaining
  DELETE /cache/{key}   removes the entry, if there is one
  GET    /health        says whether the service takes requests

Settings are environment variables:
${describeSettings()}

SIGTERM or SIGINT ends the service when the requests in flight are answered; a second one at once.
`;
}
