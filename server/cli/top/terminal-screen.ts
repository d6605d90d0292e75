import type { TextOutput } from '../terminal-text.js';

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_REST_OF_LINE = '\u001b[K';
const CLEAR_REST = '\u001b[J';
const QUIT_KEYS: ReadonlySet<string> = new Set(['q', 'Q', '\u0003', '\u0004', '\u001b']);

/** A terminal that is drawn on. */
export interface ScreenOutput extends TextOutput {
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

/** A terminal whose keys are read one by one. */
export interface KeyInput {
  readonly isTTY?: boolean | undefined;
  setRawMode?(isRaw: boolean): unknown;
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  off(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** The other screen of a terminal, without a cursor; the first one comes back when it closes. */
export class TerminalScreen {
  private readonly output: ScreenOutput;
  private readonly input: KeyInput;
  private readonly onResize: () => void;
  private readonly onKeys: (chunk: Uint8Array) => void;
  private isOpen = true;

  /**
   * @param onQuit called for q, escape, ctrl-c and ctrl-d
   * @param onResize called when the terminal has another size
   */
  constructor(output: ScreenOutput, input: KeyInput, onQuit: () => void, onResize: () => void) {
    this.output = output;
    this.input = input;
    this.onResize = onResize;
    this.onKeys = (chunk) => {
      // Keys such as arrows are several characters that begin with an escape.
      if (QUIT_KEYS.has(Buffer.from(chunk).toString('latin1'))) onQuit();
    };
    output.write(ENTER);
    output.on('resize', onResize);
    if (input.isTTY !== true) return;
    // Ctrl-c is a key now, and no signal.
    input.setRawMode?.(true);
    input.on('data', this.onKeys);
    input.resume();
  }

  draw(lines: readonly string[]): void {
    if (!this.isOpen) return;
    const text = lines.map((line) => `${line}${CLEAR_REST_OF_LINE}`).join('\r\n');
    this.output.write(`${HOME}${text}${CLEAR_REST}`);
  }

  /** Gives the terminal back as it was. Idempotent. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.output.off('resize', this.onResize);
    if (this.input.isTTY === true) {
      this.input.off('data', this.onKeys);
      this.input.setRawMode?.(false);
      this.input.pause();
    }
    this.output.write(LEAVE);
  }
}
