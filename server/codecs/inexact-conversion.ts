/** A value cannot be written in another format without changing it. The message is for clients. */
export class InexactConversionError extends Error {
  override readonly name: string = 'InexactConversionError';
}
