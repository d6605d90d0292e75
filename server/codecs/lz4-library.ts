/** The parts of `lz4-napi` that the service uses: blocks with their decoded size before them. */
export interface Lz4Library {
  compressSync(data: Buffer): Buffer;
  uncompressSync(data: Uint8Array): Buffer;
}

export type Lz4Support =
  | { readonly library: Lz4Library; readonly problem: undefined }
  | { readonly library: undefined; readonly problem: string };

/** Loads the native library; where its binary is missing or broken, says so instead. */
export async function loadLz4(
  load: () => Promise<unknown> = () => import('lz4-napi'),
): Promise<Lz4Support> {
  try {
    const loaded = (await load()) as { default?: unknown };
    const library = (loaded.default ?? loaded) as Partial<Lz4Library>;
    const { compressSync, uncompressSync } = library;
    if (typeof compressSync !== 'function' || typeof uncompressSync !== 'function') {
      return { library: undefined, problem: 'lz4-napi lacks the functions for blocks' };
    }
    return { library: { compressSync, uncompressSync }, problem: undefined };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    return { library: undefined, problem: `lz4-napi cannot be loaded: ${reason}` };
  }
}
