import { resolve } from 'node:path';
import xxhash from 'xxhash-wasm';
import type { Arena } from '../../native-free-core/arena.js';
import { CacheError, checkpointFailed } from '../errors.js';
import type { ThreadSession } from '../thread-session.js';
import type { Checksum } from './checkpoint-format.js';
import type { FileOption } from './file-option.js';
import { type LoadReport, loadCheckpoint } from './load-checkpoint.js';
import { elapsedMs, type Moment, readMoment } from './moment.js';
import { type OpenCheckpoint, openCheckpoint } from './open-checkpoint.js';
import { publishPersistence, warnOf } from './persistence-event.js';
import { removeLeftDrafts } from './private-file.js';
import { type CheckpointReport, writeCheckpoint } from './write-checkpoint.js';

/** More than all rings of a shard take: what is left then is of threads that never stop sending. */
const SETTLING_TURNS_MAX = 10_000;

/** The file of one engine: read once at the start, written as often as asked. */
export class Persistence {
  /** What was loaded; undefined when the engine began empty. */
  report: LoadReport | undefined;
  readonly #option: FileOption;
  readonly #checksum: Checksum;
  readonly #readMoment: () => Moment;
  #found: OpenCheckpoint | undefined;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(option: FileOption, checksum: Checksum, now: () => Moment) {
    this.#option = option;
    this.#checksum = checksum;
    this.#readMoment = now;
  }

  /** Looks for the file. Never throws for what it finds: what cannot be used is warned of. */
  static async open(option: FileOption, now: () => Moment = readMoment): Promise<Persistence> {
    const { h64Raw } = await xxhash();
    // Once and for all: the program may change its working directory.
    const absolute = { ...option, path: resolve(option.path) };
    const persistence = new Persistence(absolute, h64Raw, now);
    await persistence.#find();
    return persistence;
  }

  /** Where the arena's time begins: it continues that of the file. */
  get startMs(): number {
    if (this.#found === undefined) return 0;
    const { arenaMs, moment } = this.#found.table.meta;
    return arenaMs + elapsedMs(moment, this.#readMoment());
  }

  /** The hash seed of the file: with it, its entries spread over the shards as they did. */
  get hashSeed(): bigint | undefined {
    const seed = this.#found?.table.meta.hashSeed;
    return seed === undefined ? undefined : BigInt.asUintN(64, BigInt(seed));
  }

  async #find(): Promise<void> {
    const { path, stale } = this.#option;
    await removeLeftDrafts(path);
    let found: OpenCheckpoint | undefined;
    try {
      found = await openCheckpoint(path, this.#checksum);
      if (found === undefined) return;
      if (!found.isClean && stale === 'drop') {
        await found.close();
        this.#ignore('it is not of a clean close, and the option is to drop such files');
        return;
      }
      this.#found = found;
    } catch (error) {
      await found?.close();
      this.#ignore(reasonOf(error));
    }
  }

  #ignore(reason: string): void {
    warnOf({ kind: 'ignored', path: this.#option.path, reason });
  }

  /** There is no arena to load into: the file is left as it is. */
  async giveUp(): Promise<void> {
    const found = this.#found;
    this.#found = undefined;
    await found?.close();
  }

  /** Puts what was found into a new arena, before any thread attaches to it. */
  async load(arena: Arena, nowMs: number): Promise<void> {
    const found = this.#found;
    if (found === undefined) return;
    this.#found = undefined;
    const { path } = this.#option;
    try {
      // Before anything is loaded: whatever ends this process, the file is no clean one after it.
      // One that cannot be marked would be fresh again and again: it counts as stale at once.
      const isStale = !(found.isClean && (await found.markInUse()));
      const report = await loadCheckpoint(arena, found, nowMs, isStale);
      this.report = report;
      publishPersistence({ kind: 'loaded', path, report });
      if (report.damagedPages > 0) {
        const reason = `${report.damagedPages} pages have wrong checksums; what they held is missing`;
        warnOf({ kind: 'damaged', path, reason });
      }
    } catch (error) {
      this.#ignore(reasonOf(error));
    } finally {
      await found.close();
    }
  }

  /** Writes the file, after the checkpoint that is being written, if one is. */
  checkpoint(session: ThreadSession, isClean: boolean): Promise<CheckpointReport> {
    const next = this.#running.then(() => this.#write(session, isClean));
    this.#running = next.catch(ignore);
    return next;
  }

  /** Writes the file of a clean close; a failure is warned of, the engine closes all the same. */
  async writeLast(session: ThreadSession): Promise<void> {
    settleRings(session);
    await this.checkpoint(session, true).catch(ignore);
  }

  async #write(session: ThreadSession, isClean: boolean): Promise<CheckpointReport> {
    const { path } = this.#option;
    const now = this.#readMoment;
    try {
      const request = { session, path, isClean, checksum: this.#checksum, readMoment: now };
      const report = await writeCheckpoint(request);
      publishPersistence({ kind: 'written', path, report });
      return report;
    } catch (error) {
      const reason = reasonOf(error);
      const event = { kind: 'write-failed', path, reason } as const;
      // Who called `checkpoint` is told by its promise; of the last one nobody asks.
      if (isClean) warnOf(event);
      else publishPersistence(event);
      throw CacheError.is(error)
        ? error
        : checkpointFailed(`${path} was not written: ${reason}`, error);
    }
  }
}

/** Applies what other threads had sent before the engine was stopped: a full ring takes turns. */
function settleRings(session: ThreadSession): void {
  for (let shard = 0; shard < session.shardCount; shard++) {
    for (let turns = 0; turns < SETTLING_TURNS_MAX && session.hasWork(shard); turns++) {
      session.core.helpShard(shard);
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function ignore(): void {
  // Whoever asked for that checkpoint was told.
}
