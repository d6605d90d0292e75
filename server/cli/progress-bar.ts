import type { TextOutput } from './terminal-text.js';

const WIDTH = 30;
const EVERY_MS = 100;
const CLEAR_LINE = '\r\u001b[K';

/** Progress of one piece of work in one line; on anything but a terminal it is silent. */
export class ProgressBar {
  private readonly output: TextOutput;
  private readonly label: string;
  private readonly nowMs: () => number;
  private nextMs = 0;
  private isShown = false;

  constructor(output: TextOutput, label: string, nowMs: () => number = () => performance.now()) {
    this.output = output;
    this.label = label;
    this.nowMs = nowMs;
  }

  /**
   * Cheap enough to call for every step.
   *
   * @param share 0 to 1; `undefined` when nobody knows how much there is
   * @param note what stands behind the bar
   */
  update(share: number | undefined, note: string): void {
    if (this.output.isTTY !== true) return;
    const now = this.nowMs();
    if (now < this.nextMs) return;
    this.nextMs = now + EVERY_MS;
    // Terminals that do not know their size say 0.
    const columns = this.output.columns === 0 ? 80 : (this.output.columns ?? 80);
    const line = `${this.label}  ${share === undefined ? this.wave(now) : bar(share)}  ${note}`;
    this.output.write(`${CLEAR_LINE}${line.slice(0, columns - 1)}`);
    this.isShown = true;
  }

  /** Clears the line, so that what is printed next stands alone. */
  end(): void {
    if (this.isShown) this.output.write(CLEAR_LINE);
    this.isShown = false;
  }

  private wave(now: number): string {
    const at = Math.floor(now / EVERY_MS) % (WIDTH - 3);
    return `${'░'.repeat(at)}███${'░'.repeat(WIDTH - 3 - at)}`;
  }
}

function bar(share: number): string {
  const bounded = Math.min(1, Math.max(0, share));
  const filled = Math.round(bounded * WIDTH);
  const percent = `${Math.floor(bounded * 100)}`.padStart(3);
  return `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${percent} %`;
}

/** Shows that something of unknown length goes on, until the promise is settled. */
export async function withProgress<T>(
  output: TextOutput,
  label: string,
  work: Promise<T>,
): Promise<T> {
  if (output.isTTY !== true) return work;
  const progress = new ProgressBar(output, label);
  const startMs = performance.now();
  const timer = setInterval(() => {
    progress.update(undefined, `${Math.floor((performance.now() - startMs) / 1_000)} s`);
  }, EVERY_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    progress.end();
  }
}
