import type { EntryAnswer } from './operations.js';

type HitAnswer = Extract<EntryAnswer, { hit: true }>;

/** A copy of an entry, as it is handed out. */
export interface NearCopy {
  readonly value: unknown;
  /** Milliseconds left; `Infinity` for none. */
  readonly ttlMs: number;
  readonly ageMs: number | undefined;
}

/**
 * Stands for a read that is under way. A change that may concern its key makes it void: what the
 * read then brings may be older than the change, and must not be kept.
 */
export interface ReadTicket {
  readonly namespace: string;
  readonly key: string;
  readonly startMs: number;
  isVoid: boolean;
}

interface Kept {
  readonly value: unknown;
  /** Of `performance.now()`. */
  readonly endMs: number;
  readonly storedMs: number | undefined;
}

/** The copies and the reads under way of one namespace. */
class NamespaceCopies {
  /** In the order of last use, the coldest first: a `Map` keeps the order of insertion. */
  readonly kept = new Map<string, Kept>();
  readonly reads = new Map<string, Set<ReadTicket>>();
  /** Whether every change of the namespace is told: the subscription to it is effective. */
  isFollowed = false;
}

/**
 * Decoded copies of entries, at most so many for each namespace. Whoever feeds it calls `drop…` for
 * every change that the service tells of; it then never holds what is older than the last push.
 */
export class NearCopies {
  private readonly entriesMax: number;
  private readonly namespaces = new Map<string, NamespaceCopies>();

  constructor(entriesMax: number) {
    this.entriesMax = entriesMax;
  }

  /** Copies that are held. */
  get size(): number {
    let size = 0;
    for (const { kept } of this.namespaces.values()) size += kept.size;
    return size;
  }

  /** From now on changes of the namespace are told, and copies may be kept and served. */
  follow(namespace: string): void {
    this.open(namespace).isFollowed = true;
  }

  find(namespace: string, key: string): NearCopy | undefined {
    const copies = this.namespaces.get(namespace);
    const kept = copies?.kept.get(key);
    if (copies === undefined || kept === undefined) return undefined;
    const nowMs = performance.now();
    copies.kept.delete(key);
    if (nowMs >= kept.endMs) return undefined;
    copies.kept.set(key, kept);
    const ageMs = kept.storedMs === undefined ? undefined : nowMs - kept.storedMs;
    return { value: kept.value, ttlMs: kept.endMs - nowMs, ageMs };
  }

  /** To be called before the read is sent; `endRead` must follow. */
  beginRead(namespace: string, key: string): ReadTicket {
    const copies = this.open(namespace);
    const ticket = { namespace, key, startMs: performance.now(), isVoid: !copies.isFollowed };
    const others = copies.reads.get(key);
    if (others === undefined) copies.reads.set(key, new Set([ticket]));
    else others.add(ticket);
    return ticket;
  }

  /**
   * The read has ended.
   *
   * @param answer to be kept where nothing speaks against it; `undefined` for a read that failed
   */
  endRead(ticket: ReadTicket, answer: EntryAnswer | undefined): void {
    const { namespace, key } = ticket;
    const copies = this.open(namespace);
    const reads = copies.reads.get(key);
    reads?.delete(ticket);
    if (reads?.size === 0) copies.reads.delete(key);
    if (answer === undefined) return;
    // Answers to two reads may come in either order: the one that comes last is not surely the
    // newer one, so neither is kept.
    if (ticket.isVoid || !answer.hit) copies.kept.delete(key);
    else this.keep(copies, ticket, answer);
    for (const other of reads ?? []) other.isVoid = true;
  }

  dropKey(namespace: string, key: string): void {
    const copies = this.namespaces.get(namespace);
    if (copies === undefined) return;
    copies.kept.delete(key);
    for (const ticket of copies.reads.get(key) ?? []) ticket.isVoid = true;
  }

  dropNamespace(namespace: string): void {
    const copies = this.namespaces.get(namespace);
    if (copies !== undefined) empty(copies);
  }

  dropAll(): void {
    for (const copies of this.namespaces.values()) empty(copies);
  }

  /** Drops everything; nothing is kept until namespaces are followed again. */
  unfollowAll(): void {
    for (const copies of this.namespaces.values()) {
      copies.isFollowed = false;
      empty(copies);
    }
  }

  private open(namespace: string): NamespaceCopies {
    const present = this.namespaces.get(namespace);
    if (present !== undefined) return present;
    const copies = new NamespaceCopies();
    this.namespaces.set(namespace, copies);
    return copies;
  }

  private keep(copies: NamespaceCopies, ticket: ReadTicket, answer: HitAnswer): void {
    const { value, ttlMs, ageMs } = answer;
    const { key, startMs } = ticket;
    copies.kept.delete(key);
    // Counted from the question, not from the answer: a copy never outlives its entry.
    copies.kept.set(key, {
      value,
      endMs: startMs + ttlMs,
      storedMs: ageMs === undefined ? undefined : startMs - ageMs,
    });
    if (copies.kept.size <= this.entriesMax) return;
    const [coldest] = copies.kept.keys();
    if (coldest !== undefined) copies.kept.delete(coldest);
  }
}

function empty(copies: NamespaceCopies): void {
  copies.kept.clear();
  for (const reads of copies.reads.values()) {
    for (const ticket of reads) ticket.isVoid = true;
  }
}
