/** Checks the repository against the rules of `tidy-rules.mjs`; ends with code 1 on an error. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspectFile, inspectTopLevel } from './tidy-rules.mjs';

const textFilePattern = /(?:\.(?:ts|mts|js|mjs|json|md|yml|html|css|sh)|(?:^|\/)[^./]+)$/;

/**
 * Understands the two forms that this repository uses: `folder/` and a pattern with `*`.
 * @param {string} root
 * @returns {RegExp[]} patterns of the paths that git ignores
 */
function readIgnored(root) {
  const lines = readFileSync(join(root, '.gitignore'), 'utf8').split('\n');
  const patterns = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return ['.git/', ...patterns].map((pattern) => {
    const body = pattern
      .replace(/\/$/, '')
      .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '[^/]*');
    return new RegExp(`(?:^|/)${body}$`);
  });
}

/**
 * @param {string} root
 * @returns {string[]} paths of the files that belong to the repository, with forward slashes
 */
export function listFiles(root) {
  const ignored = readIgnored(root);
  /** @type {string[]} */
  const paths = [];
  const folders = [''];
  while (folders.length > 0) {
    const folder = folders.pop() ?? '';
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (ignored.some((pattern) => pattern.test(path))) continue;
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile()) paths.push(path);
    }
  }
  return paths.sort();
}

/**
 * @param {string} root
 * @returns {{ errors: string[], warnings: string[] }}
 */
export function tidy(root) {
  const paths = listFiles(root);
  const topLevel = [...new Set(paths.map((path) => path.split('/')[0] ?? ''))];
  const errors = inspectTopLevel(topLevel).map(
    (name) => `${name}: top-level: move it into one of the folders that docs/ARCHITECTURE.md lists`,
  );
  /** @type {string[]} */
  const warnings = [];
  for (const path of paths.filter((name) => textFilePattern.test(name))) {
    for (const finding of inspectFile(path, readFileSync(join(root, path), 'utf8'))) {
      const text = `${path}:${finding.line}: ${finding.rule}: ${finding.message}`;
      if (finding.warning === true) warnings.push(text);
      else errors.push(text);
    }
  }
  return { errors, warnings };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { errors, warnings } = tidy(fileURLToPath(new URL('..', import.meta.url)));
  for (const warning of warnings) process.stdout.write(`warning: ${warning}\n`);
  for (const error of errors) process.stderr.write(`error: ${error}\n`);
  process.exitCode = errors.length === 0 ? 0 : 1;
}
