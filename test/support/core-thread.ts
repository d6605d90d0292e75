/**
 * One thread's access to an arena, as a binding would use the core: keys and values go in and out
 * as bytes, large values through staged pages, answers of queued commands are collected.
 */
import type { Arena } from '../../native-free-core/arena.js';
import {
  CLASS_LARGE,
  CONTENT_TYPE_BYTES_MAX,
  FLAG_LARGE,
  FLAG_RETURN_OLD,
  ITEM_CLASS,
  ITEM_CONTENT_TYPE_BYTES,
  ITEM_HEAD_BYTES,
  ITEM_KEY,
  ITEM_KEY_BYTES,
  ITEM_VALUE_BYTES,
  NAMES_FIRST,
  NUMBER_BYTES_MAX,
  OP_DELETE,
  OP_INCREMENT,
  OP_RELEASE,
  OP_SET,
  OP_STAGE,
  OP_TOUCH,
  RECORD_GUARD,
  RECORD_OLD,
  RECORD_OPCODE,
  RECORD_PAGES,
  RECORD_STATUS,
  RESULT_CONTENT_TYPE_BYTES,
  RESULT_CREATED_MS,
  RESULT_ENCODING,
  RESULT_EXPIRY_MS,
  RESULT_FIRST,
  RESULT_ITEM,
  RESULT_VALUE_BYTES,
  RESULT_VERSION,
  TAGS_MAX,
  THREAD_CONTENT_TYPE,
  THREAD_KEY,
  THREAD_RESULT,
  THREAD_STATE,
  THREAD_VALUE,
} from '../../native-free-core/assembly/layout.js';
import { STATUS_OK, STATUS_PENDING } from '../../native-free-core/status.js';
import { fillPages, gatherBytes, type ThreadHome } from './stored-bytes.js';

/** Flags of `read`, as in assembly/reader.ts. */
export const READ_VALUE = 1;
export const READ_TOUCH = 2;
/** With it the result tells when the entry was created, and its version. */
export const READ_META = 4;
/** A hit that counts, with all there is to know. */
export const READ_ALL: number = READ_VALUE | READ_TOUCH | READ_META;

const SLICES_MAX = 1_000_000;
/** Steps of 0.1 ms that a detachment waits for a shard that is held. */
const DETACH_STEPS_MAX = 100;
/** By which the seeds of namespaces differ. */
const PRIME_1 = 0x9e37_79b1_85eb_ca87n;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export type Bytes = Uint8Array | string;

export function toBytes(value: Bytes): Uint8Array {
  return typeof value === 'string' ? encoder.encode(value) : value;
}

export interface CommandOptions {
  readonly namespaceId?: number;
  readonly ttlMs?: number;
  /** FLAG_ONLY_ABSENT and so on; FLAG_LARGE is added as needed. */
  readonly flags?: number;
  readonly contentType?: string;
  readonly encoding?: number;
  /** Version that a set with FLAG_VERSION asks for. */
  readonly version?: number;
  /** False sends the command through the ring. */
  readonly inPlace?: boolean;
}

/** What became of a command. */
export interface Outcome {
  readonly status: number;
  /** Of an increment that was carried out. */
  readonly sum?: number;
  /** Value that a command with FLAG_RETURN_OLD replaced or removed. */
  readonly old: Uint8Array | undefined;
}

/** Answer of a queued command. */
export interface Answer extends Outcome {
  readonly shard: number;
  readonly opcode: number;
}

export interface Entry {
  readonly value: Uint8Array;
  readonly expiryMs: number;
  readonly createdMs: number;
  readonly version: number;
  readonly encoding: number;
  readonly contentType: string;
  readonly pinned: boolean;
}

export class CoreThread {
  /** Number of the thread slot. */
  readonly id: number;
  /** Address of the thread slot. */
  readonly slot: number;
  readonly core: Arena['core'];
  /** Answers of queued commands in the order in which they were collected. */
  readonly answers: Answer[] = [];
  private readonly home: ThreadHome;

  constructor(home: ThreadHome, arena: Arena, id: number) {
    this.home = home;
    this.core = arena.core;
    this.id = id;
    this.slot = home.plan.threadsOffset + id * home.plan.threadBytes;
  }

  putKey(key: Bytes): number {
    const bytes = toBytes(key);
    this.home.bytes.set(bytes, this.slot + THREAD_KEY);
    return bytes.length;
  }

  shardOf(key: Bytes, namespaceId = 0): number {
    return this.core.shardOfKey(this.putKey(key), namespaceId);
  }

  /** XXH64 of a key as the index uses it. */
  hashOf(key: Bytes, namespaceId = 0): bigint {
    const keyBytes = this.putKey(key);
    const seedAddress = this.slot + THREAD_VALUE;
    const seed = this.home.hashSeed ^ BigInt.asUintN(64, BigInt(namespaceId) * PRIME_1);
    this.home.view.setBigUint64(seedAddress, seed, true);
    this.core.selfHash(this.slot + THREAD_KEY, keyBytes, seedAddress, seedAddress + 8);
    return this.home.view.getBigUint64(seedAddress + 8, true);
  }

  counter(offset: number): number {
    return Number(this.home.view.getBigUint64(this.slot + offset, true));
  }

  set(key: Bytes, value: Bytes, options: CommandOptions = {}): Outcome {
    const keyBytes = toBytes(key);
    const typeBytes = toBytes(options.contentType ?? '');
    const valueBytes = toBytes(value);
    const rest = keyBytes.length + typeBytes.length + valueBytes.length;
    this.collect();
    if (rest > this.home.plan.inlineBytes) {
      return this.setLarge(keyBytes, typeBytes, valueBytes, options);
    }
    const room = typeBytes.length + valueBytes.length;
    const at = this.begin(OP_SET, keyBytes, options, room);
    if (at < 0) return { status: at, old: undefined };
    this.home.bytes.set(typeBytes, at);
    this.home.bytes.set(valueBytes, at + typeBytes.length);
    return this.submit(valueBytes.length, typeBytes.length, options, options.flags ?? 0);
  }

  private setLarge(
    key: Uint8Array,
    type: Uint8Array,
    value: Uint8Array,
    options: CommandOptions,
  ): Outcome {
    const shard = this.shardOf(key, options.namespaceId);
    const bytes = key.length + type.length + value.length;
    const staged = this.stage(shard, ITEM_HEAD_BYTES + bytes);
    if (staged < 0) return { status: staged, old: undefined };
    fillPages(this.home, staged, Buffer.concat([key, type, value]));
    // Staging answered what waited in the ring: its room is needed for the next command.
    this.collect();
    const at = this.begin(OP_SET, key, options, 0);
    if (at < 0) {
      this.releasePages(shard, staged);
      return { status: at, old: undefined };
    }
    this.core.describePages(staged, 0);
    const flags = (options.flags ?? 0) | FLAG_LARGE;
    return this.submit(value.length, type.length, options, flags);
  }

  /** Claims pages; the first page + 1, or a status below zero. */
  stage(shard: number, bytes: number): number {
    this.collect();
    const begun = this.core.beginShardCommand(OP_STAGE, shard);
    if (begun < 0) return begun;
    const status = this.core.submit(bytes, 0, 0, 0, Number.POSITIVE_INFINITY, 1);
    if (status !== STATUS_OK) {
      if (status === STATUS_PENDING) throw new Error('staging found its shard held');
      return status;
    }
    return this.home.view.getUint32((this.core.commandRecord() >>> 0) + RECORD_PAGES, true);
  }

  releasePages(shard: number, firstPage: number): number {
    this.collect();
    const begun = this.core.beginShardCommand(OP_RELEASE, shard);
    if (begun < 0) return begun;
    this.core.describePages(firstPage, 0);
    return this.core.submit(0, 0, 0, FLAG_LARGE, Number.POSITIVE_INFINITY, 1);
  }

  remove(key: Bytes, options: CommandOptions = {}): Outcome {
    return this.keyCommand(OP_DELETE, key, options);
  }

  /** Gives the key a new time to live; Infinity = none. */
  touch(key: Bytes, ttlMs: number, options: CommandOptions = {}): Outcome {
    return this.keyCommand(OP_TOUCH, key, { ...options, ttlMs });
  }

  /** Adds to a number; a key that is not there counts from the text `initial`. */
  increment(key: Bytes, by: number, initial: Bytes = '0', options: CommandOptions = {}): Outcome {
    this.collect();
    const room = CONTENT_TYPE_BYTES_MAX + NUMBER_BYTES_MAX + NAMES_FIRST + TAGS_MAX * 4;
    const at = this.begin(OP_INCREMENT, toBytes(key), options, room);
    if (at < 0) return { status: at, old: undefined };
    const text = toBytes(initial);
    this.home.bytes.set(text, at);
    this.core.describeGuard(by);
    return this.submit(text.length, 0, options, options.flags ?? 0);
  }

  private keyCommand(opcode: number, key: Bytes, options: CommandOptions): Outcome {
    this.collect();
    const at = this.begin(opcode, toBytes(key), options, 0);
    if (at < 0) return { status: at, old: undefined };
    return this.submit(0, 0, options, options.flags ?? 0);
  }

  /** Address where content type and value go, or a status below zero. */
  begin(opcode: number, key: Uint8Array, options: CommandOptions, roomBytes: number): number {
    const keyBytes = this.putKey(key);
    const namespaceId = options.namespaceId ?? 0;
    const at = this.core.beginCommand(opcode, keyBytes, namespaceId, roomBytes);
    return at < 0 && at > -100 ? at : at >>> 0;
  }

  submit(
    valueBytes: number,
    contentTypeBytes: number,
    options: CommandOptions,
    flags: number,
  ): Outcome {
    if (options.version !== undefined) this.core.describeGuard(options.version);
    const status = this.core.submit(
      valueBytes,
      contentTypeBytes,
      options.encoding ?? 0,
      flags,
      options.ttlMs ?? Number.POSITIVE_INFINITY,
      options.inPlace === false ? 0 : 1,
    );
    if (status === STATUS_PENDING) return { status, old: undefined };
    const shard = this.core.commandShard();
    const record = this.core.commandRecord() >>> 0;
    const reference = this.home.view.getUint32(record + RECORD_OLD, true);
    if (this.home.view.getUint8(record + RECORD_OPCODE) === OP_INCREMENT) {
      return {
        status,
        sum: this.home.view.getFloat64(record + RECORD_GUARD, true),
        old: undefined,
      };
    }
    if ((flags & FLAG_RETURN_OLD) === 0 || reference === 0) return { status, old: undefined };
    return { status, old: this.takeOld(shard, reference) };
  }

  /** Copies a returned old value and frees its item. */
  private takeOld(shard: number, reference: number): Uint8Array {
    const item = reference * 8;
    const { view } = this.home;
    const keyBytes = view.getUint16(item + ITEM_KEY_BYTES, true);
    const typeBytes = view.getUint8(item + ITEM_CONTENT_TYPE_BYTES);
    const valueBytes = view.getUint32(item + ITEM_VALUE_BYTES, true);
    const first = item + ITEM_KEY + keyBytes + typeBytes;
    const large = view.getUint8(item + ITEM_CLASS) === CLASS_LARGE;
    const old = gatherBytes(this.home, first, valueBytes, large);
    this.release(shard, reference);
    return old;
  }

  release(shard: number, reference: number): number {
    const begun = this.core.beginShardCommand(OP_RELEASE, shard);
    if (begun < 0) throw new Error(`no room for the release of an old value: ${begun}`);
    this.core.describePages(0, reference);
    return this.core.submit(0, 0, 0, 0, Number.POSITIVE_INFINITY, 1);
  }

  /** Status of a read, and what was found. */
  read(key: Bytes, namespaceId = 0, flags: number = READ_ALL): number {
    return this.core.read(this.putKey(key), namespaceId, flags);
  }

  /** The entry, or the status of the read when there is none to be had. */
  get(key: Bytes, namespaceId = 0, flags: number = READ_ALL): Entry | number {
    const status = this.read(key, namespaceId, flags);
    return status === STATUS_OK ? this.entry() : status;
  }

  /** The value as text, for tests that store text; otherwise the status of the read. */
  text(key: Bytes, namespaceId = 0): string | number {
    const entry = this.get(key, namespaceId);
    return typeof entry === 'number' ? entry : decoder.decode(entry.value);
  }

  /** What the last read of this thread found; a pinned value is gathered anew at each call. */
  entry(): Entry {
    const { view, bytes, plan } = this.home;
    const result = this.slot + THREAD_RESULT;
    const valueBytes = view.getUint32(result + RESULT_VALUE_BYTES, true);
    const typeBytes = view.getUint32(result + RESULT_CONTENT_TYPE_BYTES, true);
    const item = view.getUint32(result + RESULT_ITEM, true) * 8;
    const type = this.slot + THREAD_CONTENT_TYPE;
    let value: Uint8Array;
    if (item === 0) {
      if (valueBytes > plan.scratchBytes) throw new Error(`${valueBytes} bytes were copied`);
      value = bytes.slice(this.slot + THREAD_VALUE, this.slot + THREAD_VALUE + valueBytes);
    } else {
      const first = view.getUint32(result + RESULT_FIRST, true);
      const large = view.getUint8(item + ITEM_CLASS) === CLASS_LARGE;
      value = gatherBytes(this.home, first, valueBytes, large);
    }
    return {
      value,
      expiryMs: view.getFloat64(result + RESULT_EXPIRY_MS, true),
      createdMs: view.getFloat64(result + RESULT_CREATED_MS, true),
      version: view.getFloat64(result + RESULT_VERSION, true),
      encoding: view.getUint32(result + RESULT_ENCODING, true),
      contentType: decoder.decode(bytes.slice(type, type + typeBytes)),
      pinned: item !== 0,
    };
  }

  /** Moves the answers of queued commands from the rings to `answers`. */
  collect(): void {
    for (let shard = 0; shard < this.home.plan.shardCount; shard++) this.collectShard(shard);
  }

  private collectShard(shard: number): void {
    const { view } = this.home;
    for (;;) {
      const record = this.core.answered(shard) >>> 0;
      if (record === 0) return;
      const status = view.getInt32(record + RECORD_STATUS, true);
      const opcode = view.getUint8(record + RECORD_OPCODE);
      const reference = view.getUint32(record + RECORD_OLD, true);
      const sum = view.getFloat64(record + RECORD_GUARD, true);
      this.core.reap(shard, record);
      const wanted = reference !== 0 && (opcode === OP_SET || opcode === OP_DELETE);
      const old = wanted ? this.takeOld(shard, reference) : undefined;
      if (opcode !== OP_RELEASE) this.answers.push({ shard, opcode, status, old, sum });
    }
  }

  /** Serves a shard until nothing is left to do; the slices that took. */
  serve(shard = 0, nowMs: number = this.home.clock.nowMs()): number {
    for (let slices = 1; slices <= SLICES_MAX; slices++) {
      const did = this.core.serveShard(shard, nowMs);
      if (did < 0) throw new Error('the shard is held elsewhere');
      if (did === 0) return slices;
    }
    throw new Error(`the shard still finds work after ${SLICES_MAX} slices`);
  }

  registerNamespace(name: string): number {
    const bytes = toBytes(name);
    const at = this.slot + THREAD_VALUE;
    this.home.bytes.set(bytes, at);
    return this.core.registerNamespace(at, bytes.length);
  }

  /** Which of the threads that this slot has had is attached now. */
  generationOf(id: number): number {
    const slot = this.home.plan.threadsOffset + id * this.home.plan.threadBytes;
    return this.home.view.getUint32(slot + THREAD_STATE, true) >>> 8;
  }

  /** Detaches this thread, or one that is dead; false when a shard stayed held. */
  detach(id: number = this.id, stepsMax = DETACH_STEPS_MAX): boolean {
    return this.core.detachThread(id, this.generationOf(id), stepsMax) !== 0;
  }

  /** Starts a shard afresh that a dead thread held; false when it did not hold it. */
  reset(shard: number, dead: number): boolean {
    return this.core.resetShardOf(shard, dead, this.generationOf(dead)) !== 0;
  }
}
