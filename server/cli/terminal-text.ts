/** Text of strangers and of ours on a terminal. */
import type { WriteStream } from 'node:tty';
import pc from 'picocolors';

export type Colors = ReturnType<typeof pc.createColors>;

/** The part of a stream that text is written to. */
export interface TextOutput {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string | Uint8Array): boolean;
}

/** Colours on a terminal alone, and never where NO_COLOR is set. */
export function colorsFor(
  output: Pick<WriteStream, 'isTTY'> | TextOutput,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Colors {
  const isOff = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  return pc.createColors(output.isTTY === true && !isOff);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** The text in one line, unable to move the cursor or to change colours. */
export function oneLine(text: string): string {
  return text.replace(CONTROL, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
