/**
 * Writes `docs/MEMORY.md` from the built layout and plan. With `--check` it writes nothing and ends
 * with code 1 when the file is stale. A path names another file: `[--check] [FILE]`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderMemoryMap, standardArenas } from './memory-map.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** @param {string} path of a built module, below `dist/` */
const built = (path) => import(new URL(`../dist/${path}`, import.meta.url).href);

async function render() {
  const [layoutSource, layout, { planArena }, { resolveOptions }] = await Promise.all([
    readFile(join(root, 'native-free-core/assembly/layout.ts'), 'utf8'),
    built('native-free-core/assembly/layout.js'),
    built('native-free-core/plan.js'),
    built('src/options.js'),
  ]);
  const arenas = standardArenas(planArena, resolveOptions);
  return renderMemoryMap({ layoutSource, layout, arenas });
}

const paths = process.argv.slice(2).filter((argument) => argument !== '--check');
const path = paths[0] ?? join(root, 'docs/MEMORY.md');
const text = await render();
if (!process.argv.includes('--check')) await writeFile(path, text);
else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
  process.stderr.write('docs/MEMORY.md is stale: run `npm run docs`\n');
  process.exitCode = 1;
}
