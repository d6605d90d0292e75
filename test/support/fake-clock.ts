/** A clock that stands still until a test moves it. Times are whole or fractional milliseconds. */
export class FakeClock {
  private presentMs: number;

  constructor(startMs = 0) {
    this.presentMs = startMs;
  }

  /** Milliseconds since the clock's own beginning; a function that can be handed on alone. */
  readonly nowMs = (): number => this.presentMs;

  /** Moves the clock forward; monotonic time never goes back, so a negative step throws. */
  advance(stepMs: number): void {
    if (!(stepMs >= 0)) throw new Error(`a clock cannot advance by ${stepMs} ms`);
    this.presentMs += stepMs;
  }
}
