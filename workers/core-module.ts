// Loads the compiled core. The one place that knows where the file lies; the path is the same
// from the sources and from the built package.

import { readFile } from 'node:fs/promises';

/** Processors that reorder neither loads with loads nor stores with stores. */
const STRONGLY_ORDERED: readonly string[] = ['x64', 'ia32'];

/** Compiles the core for this processor: elsewhere than on x86 the build with fences. */
export async function loadCoreModule(arch: string = process.arch): Promise<WebAssembly.Module> {
  const name = STRONGLY_ORDERED.includes(arch) ? 'core.wasm' : 'core-weak.wasm';
  const url = new URL(`../native-free-core/${name}`, import.meta.url);
  return new WebAssembly.Module(await readFile(url));
}
