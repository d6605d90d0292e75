/**
 * What the core's commands mean, told as plainly as possible: a map, a time, epochs. Where an
 * arena may evict, the map is an upper bound, and what the core answers says what is left of it.
 */
import {
  FLAG_KEEP_TTL,
  FLAG_ONLY_ABSENT,
  FLAG_ONLY_PRESENT,
  FLAG_RETURN_OLD,
  FLAG_VERSION,
  OP_DELETE,
  OP_INCREMENT,
  OP_SET,
  OP_TOUCH,
} from '../../native-free-core/assembly/layout.js';
import {
  STATUS_MISS,
  STATUS_NOT_A_NUMBER,
  STATUS_NUMBER_OVERFLOW,
  STATUS_OK,
  STATUS_OUT_OF_MEMORY,
  STATUS_REFUSED,
} from '../../native-free-core/status.js';
import { ENCODING_MSGPACK } from '../../src/codec/codec.js';
import type { Entry, Outcome } from '../support/core-thread.js';

/** A command at the moment of its call. */
export interface NaiveCommand {
  readonly opcode: number;
  readonly id: string;
  readonly namespaceId: number;
  readonly shard: number;
  readonly flags: number;
  readonly epoch: number;
  readonly createdMs: number;
  readonly expiryMs: number;
  readonly value: Uint8Array;
  readonly encoding: number;
  readonly contentType: string;
  /** Version that is asked for, or addend. */
  readonly guard: number;
}

interface NaiveEntry {
  readonly value: Uint8Array;
  readonly namespaceId: number;
  readonly epoch: number;
  readonly createdMs: number;
  readonly encoding: number;
  readonly contentType: string;
  /** One expiry; two where it depends on an eviction that nobody saw. */
  expiriesMs: readonly number[];
  /** Known once the entry was read. */
  version: number | undefined;
}

export class NaiveCache {
  readonly entries = new Map<string, NaiveEntry>();
  readonly epochs: number[] = [];
  readonly latestVersion = new Map<string, number>();
  private readonly mayEvict: boolean;

  constructor(mayEvict: boolean) {
    this.mayEvict = mayEvict;
  }

  epochOf(namespaceId: number): number {
    return this.epochs[namespaceId] ?? 0;
  }

  clear(namespaceId: number): void {
    this.epochs[namespaceId] = this.epochOf(namespaceId) + 1;
  }

  /** The entry if it may still be served. */
  find(id: string, nowMs: number): NaiveEntry | undefined {
    const entry = this.entries.get(id);
    if (entry === undefined || entry.epoch !== this.epochOf(entry.namespaceId)) return undefined;
    return entry.expiriesMs.some((expiryMs) => nowMs < expiryMs) ? entry : undefined;
  }

  liveCount(nowMs: number): number {
    return [...this.entries.keys()].filter((id) => this.find(id, nowMs) !== undefined).length;
  }

  /** Takes a command's effect over; throws when the core's answer cannot be right. */
  apply(command: NaiveCommand, outcome: Outcome, nowMs: number): void {
    const overtaken = command.epoch !== this.epochOf(command.namespaceId);
    let entry = this.find(command.id, nowMs);
    if (overtaken) {
      const expected = statusOfOvertaken(command);
      demand(outcome.status === expected, command, outcome, 'a clear came between');
      demand(outcome.old === undefined, command, outcome, 'old value of an overtaken command');
      return;
    }
    if (entry !== undefined && this.mayEvict && saysAbsent(command, outcome, entry)) {
      this.entries.delete(command.id);
      entry = undefined;
    }
    if (outcome.status === STATUS_OUT_OF_MEMORY) {
      demand(this.mayEvict, command, outcome, 'memory ran out in a large arena');
      return;
    }
    const expected = expectedStatus(command, entry);
    demand(outcome.status === expected, command, outcome, `expected status ${expected}`);
    this.checkOld(command, outcome, entry);
    if (command.opcode === OP_INCREMENT && outcome.status === STATUS_OK) {
      const sum = sumOf(command, entry);
      demand(outcome.sum === sum, command, outcome, `the sum is ${sum}, not ${outcome.sum}`);
    }
    // A delete also frees what is over and not yet swept.
    if (command.opcode === OP_DELETE) this.entries.delete(command.id);
    else if (outcome.status === STATUS_OK) this.change(command, entry);
  }

  private checkOld(command: NaiveCommand, outcome: Outcome, entry: NaiveEntry | undefined): void {
    const wanted = (command.flags & FLAG_RETURN_OLD) !== 0 && outcome.status === STATUS_OK;
    const expected = wanted ? entry?.value : undefined;
    const equal =
      expected === undefined
        ? outcome.old === undefined
        : outcome.old !== undefined && Buffer.compare(expected, outcome.old) === 0;
    demand(equal, command, outcome, `expected old value of ${expected?.length} bytes`);
  }

  private change(command: NaiveCommand, entry: NaiveEntry | undefined): void {
    if (command.opcode === OP_INCREMENT) {
      const value = Buffer.from(String(sumOf(command, entry)));
      const { encoding, contentType } = entry ?? command;
      this.store({ ...command, value, encoding, contentType }, entry);
    } else if (command.opcode === OP_TOUCH && entry !== undefined) {
      entry.expiriesMs = [command.expiryMs];
    } else if (command.opcode === OP_SET) {
      this.store(command, entry);
    }
  }

  private store(command: NaiveCommand, entry: NaiveEntry | undefined): void {
    this.entries.set(command.id, {
      value: command.value,
      namespaceId: command.namespaceId,
      epoch: command.epoch,
      createdMs: command.createdMs,
      encoding: command.encoding,
      contentType: command.contentType,
      expiriesMs: this.expiriesOfSet(command, entry),
      version: undefined,
    });
  }

  private expiriesOfSet(command: NaiveCommand, entry: NaiveEntry | undefined): readonly number[] {
    if ((command.flags & FLAG_KEEP_TTL) === 0 || entry === undefined) return [command.expiryMs];
    return this.mayEvict ? [...entry.expiriesMs, command.expiryMs] : entry.expiriesMs;
  }

  /** Checks a read: the entry that it found, or its status. */
  checkRead(id: string, found: Entry | number, nowMs: number): void {
    const entry = this.find(id, nowMs);
    if (typeof found === 'number') {
      if (found !== STATUS_MISS) throw new Error(`read of ${id} answered ${found}`);
      if (entry !== undefined && !this.mayEvict) throw new Error(`${id} was lost`);
      if (entry !== undefined) this.entries.delete(id);
      return;
    }
    if (entry === undefined) throw new Error(`${id} was found, but it is not there`);
    const problems: string[] = [];
    if (Buffer.compare(entry.value, found.value) !== 0) problems.push('value');
    if (!entry.expiriesMs.includes(found.expiryMs)) problems.push('expiry');
    if (!(nowMs < found.expiryMs)) problems.push('expired');
    if (Math.floor(entry.createdMs) !== found.createdMs) problems.push('created');
    if (entry.encoding !== found.encoding) problems.push('encoding');
    if (entry.contentType !== found.contentType) problems.push('content type');
    const latest = this.latestVersion.get(id) ?? 0;
    if (entry.version === undefined ? found.version <= latest : found.version !== entry.version) {
      problems.push(`version ${found.version} after ${entry.version ?? latest}`);
    }
    if (problems.length > 0) throw new Error(`${id} was read with a wrong ${problems.join(', ')}`);
    entry.expiriesMs = [found.expiryMs];
    entry.version = found.version;
    this.latestVersion.set(id, found.version);
  }
}

/** True when this answer is possible only if the key is not there. */
function saysAbsent(command: NaiveCommand, { status, old }: Outcome, entry: NaiveEntry): boolean {
  if ((command.flags & FLAG_VERSION) !== 0) {
    return status === (command.guard === entry.version ? STATUS_REFUSED : STATUS_OK);
  }
  if (command.opcode !== OP_SET) return status === STATUS_REFUSED;
  if (status === STATUS_REFUSED) return (command.flags & FLAG_ONLY_PRESENT) !== 0;
  if (status !== STATUS_OK) return false;
  if ((command.flags & FLAG_ONLY_ABSENT) !== 0) return true;
  return (command.flags & FLAG_RETURN_OLD) !== 0 && old === undefined;
}

/** What clears between call and application leave of a command. */
function statusOfOvertaken(command: NaiveCommand): number {
  // It answers what a key that is not there would make of it.
  if (command.opcode === OP_INCREMENT) return expectedStatus(command, undefined);
  const isStored = command.opcode === OP_SET && (command.flags & FLAG_VERSION) === 0;
  return isStored ? STATUS_OK : STATUS_REFUSED;
}

const INTEGER_TEXT = /^(0|-?[1-9]\d*)$/;

/** NaN where there is nothing to count on. */
function sumOf(command: NaiveCommand, entry: NaiveEntry | undefined): number {
  const { value, encoding } = entry ?? command;
  const text = Buffer.from(value).toString('latin1');
  const isNumber = INTEGER_TEXT.test(text) && Number.isSafeInteger(Number(text));
  return isNumber && encoding !== ENCODING_MSGPACK ? Number(text) + command.guard : Number.NaN;
}

function expectedStatus(command: NaiveCommand, entry: NaiveEntry | undefined): number {
  const present = entry !== undefined;
  if (command.opcode === OP_INCREMENT) {
    const sum = sumOf(command, entry);
    if (Number.isNaN(sum)) return STATUS_NOT_A_NUMBER;
    return Number.isSafeInteger(sum) ? STATUS_OK : STATUS_NUMBER_OVERFLOW;
  }
  if ((command.flags & FLAG_VERSION) !== 0) {
    return (entry === undefined ? 0 : entry.version) === command.guard ? STATUS_OK : STATUS_REFUSED;
  }
  if (command.opcode !== OP_SET) return present ? STATUS_OK : STATUS_REFUSED;
  const onlyAbsent = (command.flags & FLAG_ONLY_ABSENT) !== 0;
  const onlyPresent = (command.flags & FLAG_ONLY_PRESENT) !== 0;
  return (onlyAbsent && present) || (onlyPresent && !present) ? STATUS_REFUSED : STATUS_OK;
}

function demand(holds: boolean, command: NaiveCommand, outcome: Outcome, what: string): void {
  if (holds) return;
  const got = `status ${outcome.status}, old value of ${outcome.old?.length} bytes`;
  throw new Error(`opcode ${command.opcode} on ${command.id} answered ${got}: ${what}`);
}
