import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createNodeTransport } from './node-transport.js';
import type { Transport } from './transport.js';
import {
  createUwsTransport,
  loadModule,
  type ModuleLoader,
  TransportUnavailableError,
} from './uws-transport.js';

/** What an operator asks for: `auto` is uWebSockets.js where its binary loads, else node:http. */
export type TransportWish = 'auto' | 'uws' | 'node';

export interface TransportChoice {
  readonly transport: Transport;
  /** Which it is and why, for the line that is printed at start and for `/ready`. */
  readonly why: string;
}

/**
 * Loads the transport that was asked for.
 *
 * @throws {TransportUnavailableError} when it is uWebSockets.js, which cannot be loaded here
 */
export async function chooseTransport(
  wish: TransportWish,
  load: ModuleLoader = loadModule,
): Promise<TransportChoice> {
  if (wish === 'node') {
    return chooseNode('as HTTP_TRANSPORT=node asks');
  }
  try {
    const transport = await createUwsTransport(load);
    const reason = wish === 'uws' ? 'as HTTP_TRANSPORT=uws asks' : 'its binary loads here';
    return { transport, why: `uWebSockets.js (${describePackage('uWebSockets.js')}), ${reason}` };
  } catch (error) {
    if (wish === 'uws' || !(error instanceof TransportUnavailableError)) throw error;
    return chooseNode(error.reason);
  }
}

function chooseNode(reason: string): TransportChoice {
  return {
    transport: createNodeTransport(),
    why: `node:http (${describePackage('ws')}), ${reason}`,
  };
}

/**
 * Name and version of an installed package. The official uWebSockets.js and its repackaging are
 * imported by one name; their own descriptions tell which of them it is.
 */
function describePackage(importName: string): string {
  const folders = createRequire(import.meta.url).resolve.paths(importName) ?? [];
  for (const folder of folders) {
    const description = readDescription(join(folder, importName, 'package.json'));
    if (description !== undefined) return description;
  }
  return 'version unknown';
}

function readDescription(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { name, version } = JSON.parse(text) as { name?: unknown; version?: unknown };
  return `${name} ${version}`;
}
