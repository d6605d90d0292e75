/**
 * Writes the table of settings into `docs/CONFIGURATION.md` from the built table; what stands
 * around it stays. A test compares the page.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { renewSettingTable } from './setting-page.mjs';

const page = fileURLToPath(new URL('../docs/CONFIGURATION.md', import.meta.url));
const { renderSettingTable } = await import(
  new URL('../dist/server/config/describe.js', import.meta.url).href
);
await writeFile(page, renewSettingTable(await readFile(page, 'utf8'), renderSettingTable()));
