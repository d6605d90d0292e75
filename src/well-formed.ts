interface WellFormedness {
  isWellFormed(): boolean;
}

/**
 * Whether the text has no surrogate without its partner, so that UTF-8 carries it without loss.
 * Costs next to nothing for text of one-byte characters, which the engine knows to be well-formed.
 */
export function isWellFormed(text: string): boolean {
  // Every supported version of Node.js has the method; the library of types is one year older.
  return (text as unknown as WellFormedness).isWellFormed();
}
