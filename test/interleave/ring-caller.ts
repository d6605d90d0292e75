/** A caller of the ring model: publishes commands, reaps answers. */
import type { Step, StepContext } from './protocol.js';
import { at, END, endingWith, NEXT, step, WAIT } from './protocol.js';
import type { Ring, RingShard } from './ring-words.js';
import {
  ANSWER,
  CAPACITY_UNITS,
  OUTCOME_UNKNOWN,
  PADDING,
  PAYLOAD,
  WRONG_ANSWER,
} from './ring-words.js';

export class RingCaller {
  private readonly shard: RingShard;
  private readonly ring: Ring;

  constructor(shard: RingShard, ring: Ring) {
    this.shard = shard;
    this.ring = ring;
  }

  steps(): Step[] {
    const { ring } = this;
    const record = this.recordSteps();
    const storeTail = this.storeTail();
    const bit = this.bitSteps();
    let publication = [...record, storeTail, ...bit];
    if (this.shard.has('tail before record')) publication = [storeTail, ...record, ...bit];
    if (this.shard.has('bit before tail')) publication = [...record, ...bit, storeTail];
    return [
      step('load done', (t) => this.loadDone(t, at(publication, 0).label), 2),
      ...endingWith(publication, (t) => {
        t.set(ring.ownTail, this.tailAfter(t));
        t.set(ring.sentCount, t.get(ring.sentCount) + 1);
        return 'load done';
      }),
      step('read the answer', (t) => this.readAnswer(t)),
      step('advance the head', (t) => {
        t.storePlain(ring.head, t.get(ring.ownHead));
        return 'load done';
      }),
    ];
  }

  /** Branch 0 reaps if it can; branch 1 sends although there is something to reap. */
  private loadDone(t: StepContext, send: string): string {
    const { ring } = this;
    const done = t.load(ring.done);
    const head = t.get(ring.ownHead);
    const answered = done !== head;
    if (answered && t.branch === 0) return 'read the answer';
    if (!answered && t.branch === 1) return WAIT;
    if (t.get(ring.sentCount) === ring.sizes.length) {
      return !answered && t.get(ring.reapedCount) === ring.sizes.length ? END : WAIT;
    }
    const oldest = this.shard.has('room counted from done') ? done : head;
    const used = this.shard.unitsBetween(oldest, t.get(ring.ownTail));
    const needed = this.paddingUnits(t) + this.sizeToSend(t);
    return used + needed <= CAPACITY_UNITS ? send : WAIT;
  }

  private sizeToSend(t: StepContext): number {
    const { ring } = this;
    return at(ring.sizes, t.get(ring.sentCount));
  }

  private paddingUnits(t: StepContext): number {
    const { ring } = this;
    const unitsToEnd = CAPACITY_UNITS - (t.get(ring.ownTail) % CAPACITY_UNITS);
    return this.sizeToSend(t) > unitsToEnd ? unitsToEnd : 0;
  }

  private tailAfter(t: StepContext): number {
    const { ring } = this;
    const units = this.paddingUnits(t) + this.sizeToSend(t);
    return this.shard.advanced(t.get(ring.ownTail), units);
  }

  private recordSteps(): Step[] {
    const { ring } = this;
    const start = (t: StepContext): number => t.get(ring.ownTail) + this.paddingUnits(t);
    return [
      step('write padding', (t) => {
        const units = this.paddingUnits(t);
        if (units > 0)
          t.storePlain(this.shard.recordAt(ring, t.get(ring.ownTail)), PADDING + units);
        return NEXT;
      }),
      step('write the payload', (t) => {
        const payload = PAYLOAD + t.get(ring.sentCount) + 1;
        if (this.sizeToSend(t) === 1) return NEXT;
        return t.storePlain(this.shard.recordAt(ring, start(t) + 1), payload);
      }),
      step('write the record', (t) =>
        t.storePlain(this.shard.recordAt(ring, start(t)), t.get(ring.sentCount) + 1),
      ),
    ];
  }

  private storeTail(): Step {
    const { ring } = this;
    return step('store the tail', (t) => {
      const tail = this.tailAfter(t);
      return this.shard.has('plain tail')
        ? t.storePlain(ring.tail, tail)
        : t.storeRelease(ring.tail, tail);
    });
  }

  private bitSteps(): Step[] {
    const { ring } = this;
    if (!this.shard.has('bit set in two steps')) {
      return [step('set the work bit', (t) => this.shard.setBit(t, ring.bit))];
    }
    const loaded = this.shard.protocol.private(`${ring.caller} loaded work`);
    return [
      step('load the work word', (t) => t.set(loaded, t.load(this.shard.work))),
      step('store the work word', (t) => t.store(this.shard.work, t.get(loaded) | ring.bit)),
    ];
  }

  private readAnswer(t: StepContext): undefined {
    const { ring } = this;
    const head = t.get(ring.ownHead);
    const content = t.load(this.shard.recordAt(ring, head));
    if (content > PADDING) return t.set(ring.ownHead, this.shard.advanced(head, content - PADDING));
    const number = t.get(ring.reapedCount) + 1;
    if (content === OUTCOME_UNKNOWN + number) {
      t.set(ring.unknownCount, t.get(ring.unknownCount) + 1);
    } else if (content !== ANSWER + number) t.fail(WRONG_ANSWER);
    t.set(ring.reapedCount, number);
    return t.set(ring.ownHead, this.shard.advanced(head, ring.sizes[number - 1] ?? 1));
  }
}
