const BAR_WIDTH = 30;
const TERMINAL_EVERY_MS = 100;
const PLAIN_EVERY_MS = 5_000;

/** The part of a stream that progress needs. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Progress of one pass: a bar that stays in its line on a terminal, elsewhere a line at times. */
export class Progress {
  readonly #output: ProgressOutput;
  readonly #label: string;
  readonly #nowMs: () => number;
  #nextMs: number;
  #hasBar = false;

  constructor(output: ProgressOutput, label: string, nowMs: () => number) {
    this.#output = output;
    this.#label = label;
    this.#nowMs = nowMs;
    this.#nextMs = nowMs() + this.#everyMs;
  }

  /** Cheap enough to call for every batch. `fraction` is 0 to 1. */
  update(fraction: number, requests: number): void {
    const now = this.#nowMs();
    if (now < this.#nextMs) return;
    this.#nextMs = now + this.#everyMs;
    const share = Math.min(1, Math.max(0, fraction));
    const text = `${(share * 100).toFixed(0).padStart(3)} %  ${requests.toLocaleString('en')} requests`;
    if (this.#output.isTTY === true) {
      const filled = Math.round(share * BAR_WIDTH);
      const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
      this.#output.write(`\r\u001b[K${this.#label.padEnd(10)} ${bar} ${text}`);
      this.#hasBar = true;
    } else {
      this.#output.write(`${this.#label}: ${text}\n`);
    }
  }

  /** Clears the bar, so that what is printed next stands alone. */
  end(): void {
    if (this.#hasBar) this.#output.write('\r\u001b[K');
  }

  get #everyMs(): number {
    return this.#output.isTTY === true ? TERMINAL_EVERY_MS : PLAIN_EVERY_MS;
  }
}
