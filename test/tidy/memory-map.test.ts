import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  listFields,
  parseLayout,
  renderMemoryMap,
  standardArenas,
} from '../../.scripts/memory-map.mjs';
import * as layout from '../../native-free-core/assembly/layout.js';
import { planArena } from '../../native-free-core/plan.js';
import { resolveOptions } from '../../src/options.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const layoutSource = read('native-free-core/assembly/layout.ts');
const arenas = standardArenas(planArena, resolveOptions);
const sample = `// Where it lies.

export const ARENA_MAGIC: u32 = 0x48; // "H"

// ── Ring page ───────────
// Commands of a caller.
export const RING_TAIL: u32 = 0;
// Line of the holder.
export const RING_DONE: u32 = 128; // u32 | answered
export const TOUCH_BYTES: u32 = 8;
`;
const sampleValues = { ARENA_MAGIC: 0x48, RING_TAIL: 0, RING_DONE: 128, TOUCH_BYTES: 8 };

function checkFile(path: string): { status: number | null; stderr: string } {
  const script = join(root, '.scripts/generate-memory-map.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check', path], {
    encoding: 'utf8',
  });
  return { status, stderr };
}

describe('docs/MEMORY.md', () => {
  test('is what the layout and the plan say now', () => {
    // When this fails: npm run docs
    expect(read('docs/MEMORY.md')).toBe(renderMemoryMap({ layoutSource, layout, arenas }));
  });

  test('names every constant of the layout once', () => {
    const text = read('docs/MEMORY.md');
    const rows = [...text.matchAll(/^\| [^|]+ \| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(rows.toSorted()).toEqual(Object.keys(layout).toSorted());
  });

  test('draws arenas whose parts add up to the limit', () => {
    for (const { title, plan } of arenas) {
      const [, map = ''] = renderMemoryMap({ layoutSource, layout, arenas }).split(
        `### ${title}\n`,
      );
      const [table = ''] = map.split('\n\n##');
      const bytes = [...table.matchAll(/^\| [^|]+ \| [\d,]+ \| ([\d,]+) \|/gm)].map(([, text]) =>
        Number(text?.replaceAll(',', '')),
      );
      expect(bytes.reduce((sum, each) => sum + each, 0)).toBe(plan.limitBytes);
      expect(plan.pagesOffset).toBeLessThan(plan.limitBytes / 16);
    }
  });

  test('is refused when it is stale', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hotshard-memory-'));
    try {
      const path = join(folder, 'MEMORY.md');
      writeFileSync(path, read('docs/MEMORY.md'));
      expect(checkFile(path)).toEqual({ status: 0, stderr: '' });
      writeFileSync(path, read('docs/MEMORY.md').replace('| 128 |', '| 64 |'));
      expect(checkFile(path).status).toBe(1);
      expect(checkFile(path).stderr).toContain('npm run docs');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('the reader of the layout', () => {
  test('takes meanings from the end of a line and notes from the lines above', () => {
    const [, ring] = parseLayout(sample);
    expect(ring?.title).toBe('Ring page');
    expect(ring?.intro).toEqual(['Commands of a caller.']);
    expect(ring?.constants[1]).toMatchObject({
      name: 'RING_DONE',
      meaning: 'u32 | answered',
      notes: ['Line of the holder.'],
    });
  });

  test('puts fields and other constants into tables', () => {
    const text = renderMemoryMap({ layoutSource: sample, layout: sampleValues, arenas: [] });
    expect(text).toContain('| 128 | `RING_DONE` | u32 \\| answered |');
    expect(text).toContain('| | | *Line of the holder.* |');
    expect(text).toContain('| 8 | `TOUCH_BYTES` |  |');
    expect(text).toContain('| 0x48 | `ARENA_MAGIC` | "H" |');
  });

  test('refuses what it does not understand, and fields that do not follow each other', () => {
    expect(() => parseLayout(`${sample}const hidden = 1;\n`)).toThrow('const hidden');
    const render = (values: Record<string, number>): string =>
      renderMemoryMap({ layoutSource: sample, layout: values, arenas: [] });
    expect(() => render({ ...sampleValues, RING_DONE: 0 })).toThrow('does not follow');
    expect(() => render({ ...sampleValues, RING_HEAD: 256 })).toThrow('RING_HEAD');
    expect(() => render({ ARENA_MAGIC: 0x48, RING_TAIL: 0 })).toThrow('RING_DONE');
  });
});

describe('docs/CONCURRENCY.md', () => {
  test('has a row for every field that threads share', () => {
    const text = read('docs/CONCURRENCY.md');
    const rows = new Set([...text.matchAll(/`([A-Z]\w+)`/g)].map(([, name]) => name));
    expect(listFields(layoutSource, layout).filter((name) => !rows.has(name))).toEqual([]);
  });
});
