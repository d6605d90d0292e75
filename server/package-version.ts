import { readFileSync } from 'node:fs';

/** The package file stands one folder above the source, and two above the build. */
const PLACES = ['../package.json', '../../package.json'];

/** The version of this package, `unknown` where its package file is not beside it. */
export function readPackageVersion(): string {
  for (const place of PLACES) {
    const manifest = readManifest(new URL(place, import.meta.url));
    if (manifest?.name === 'hotshard') return manifest.version;
  }
  return 'unknown';
}

function readManifest(location: URL): { name: string; version: string } | undefined {
  try {
    return JSON.parse(readFileSync(location, 'utf8')) as { name: string; version: string };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
