import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

const BOOT_ID_PATH = '/proc/sys/kernel/random/boot_id';
const MS_PER_S = 1_000;

/** One point in time, as a later process can compare it with its own. */
export interface Moment {
  /** Names one boot of the machine; empty where the system does not tell. */
  readonly bootId: string;
  /** Milliseconds since that boot: no change of the wall clock moves them. */
  readonly uptimeMs: number;
  /** Milliseconds since 1970 by the wall clock. */
  readonly wallMs: number;
}

/** Now. */
export function readMoment(): Moment {
  return { bootId: readBootId(), uptimeMs: uptime() * MS_PER_S, wallMs: Date.now() };
}

function readBootId(): string {
  try {
    return readFileSync(BOOT_ID_PATH, 'latin1').trim();
  } catch {
    return '';
  }
}

/**
 * Milliseconds that went by between two moments, never below 0: by uptime within one boot, else by
 * the wall clock, which somebody may have set in between.
 */
export function elapsedMs(from: Moment, to: Moment): number {
  // A container may count its own uptime under the boot id of its host: one that went back is of
  // another start.
  const isSameBoot =
    from.bootId !== '' && from.bootId === to.bootId && to.uptimeMs >= from.uptimeMs;
  const elapsed = isSameBoot ? to.uptimeMs - from.uptimeMs : to.wallMs - from.wallMs;
  return Math.max(0, elapsed);
}
