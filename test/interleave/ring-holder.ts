/** A holder of the ring model: drains rings; a later one first recovers from its predecessor. */
import type { Step, StepBody, StepContext, Word } from './protocol.js';
import { at, endingWith, NEXT, step, WAIT } from './protocol.js';
import type { Ring, RingShard } from './ring-words.js';
import {
  ANSWER,
  OUTCOME_UNKNOWN,
  OVERTAKEN,
  PADDING,
  PAYLOAD,
  TWICE,
  UNWRITTEN,
} from './ring-words.js';

/** Registers of a holder. */
interface HolderRegisters {
  readonly ring: Word;
  readonly position: Word;
  readonly content: Word;
}

function forget(t: StepContext, { ring, position, content }: HolderRegisters): undefined {
  t.set(ring, 0);
  t.set(position, 0);
  t.set(content, 0);
}

export class RingHolder {
  readonly name: string;
  private readonly shard: RingShard;
  private readonly registers: HolderRegisters;
  private readonly predecessors: readonly RingHolder[];

  /** It has the shard once all its predecessors are dead. */
  constructor(shard: RingShard, predecessors: readonly RingHolder[]) {
    this.name = `holder ${predecessors.length}`;
    this.shard = shard;
    this.predecessors = predecessors;
    this.registers = {
      ring: shard.protocol.private(`${this.name} ring`),
      position: shard.protocol.private(`${this.name} position`),
      content: shard.protocol.private(`${this.name} content`),
    };
  }

  steps(): Step[] {
    const recovery = this.predecessors.length === 0 ? [] : this.recoverySteps();
    return [...recovery, ...this.loopSteps()];
  }

  private loopSteps(): Step[] {
    const { shard, registers } = this;
    const clearBit = step('clear the work bit', (t) => {
      const { bit } = this.ringOf(t);
      if (shard.has('bit kept by plain stores')) t.storePlain(shard.work, 0);
      else t.and(shard.work, 0xff & ~bit);
      return NEXT;
    });
    const late = shard.has('bit cleared after the drain');
    const look = 'load the work word';
    const lookAgain: StepBody = (t) => {
      forget(t, registers);
      return look;
    };
    return [
      step(look, (t) => this.chooseRing(t), shard.rings.length),
      ...(late ? [] : [clearBit]),
      ...this.drainSteps(late ? () => clearBit.label : lookAgain),
      ...(late ? endingWith([clearBit], lookAgain) : []),
    ];
  }

  /** Any ring with work may be the next one. */
  private chooseRing(t: StepContext): string | undefined {
    const { shard, registers } = this;
    if ((t.load(shard.work) & at(shard.rings, t.branch).bit) === 0) return WAIT;
    return t.set(registers.ring, t.branch);
  }

  private ringOf(t: StepContext): Ring {
    return at(this.shard.rings, t.get(this.registers.ring));
  }

  private drainSteps(afterLast: StepBody): Step[] {
    const { shard } = this;
    const { position, content } = this.registers;
    const take = step('store taken', (t) =>
      t.storeRelease(this.ringOf(t).taken, t.get(position) + 1),
    );
    const answer = step('write the answer', (t) => {
      const record = shard.recordAt(this.ringOf(t), t.get(position));
      return t.storePlain(record, ANSWER + t.get(content));
    });
    const advance = step('advance done', (t) => this.advanceDone(t));
    const release = step('clear taken', (t) => t.storeRelease(this.ringOf(t).taken, 0));
    const apply = this.applySteps();
    let command = [take, ...apply, answer, advance, release];
    if (shard.has('taken after the command')) {
      command = [...apply, take, answer, advance, release];
    } else if (shard.has('done before the answer')) {
      command = [take, ...apply, advance, answer, release];
    } else if (shard.has('taken cleared before done')) {
      command = [take, ...apply, answer, release, advance];
    }
    return [
      step('load done', (t) => t.set(position, t.load(this.ringOf(t).done))),
      step('load the tail', (t) =>
        t.load(this.ringOf(t).tail) === t.get(position) ? afterLast(t) : NEXT,
      ),
      step('read the record', (t) => {
        const value = t.load(shard.recordAt(this.ringOf(t), t.get(position)));
        t.set(content, value);
        return value > PADDING ? NEXT : at(command, 0).label;
      }),
      step('pass over padding', (t) => {
        this.advanceDone(t);
        return 'load done';
      }),
      ...endingWith(command, () => 'load done'),
    ];
  }

  private advanceDone(t: StepContext): undefined {
    const { position, content } = this.registers;
    const { done, sizes } = this.ringOf(t);
    const value = t.get(content);
    const units = value > PADDING ? value - PADDING : at(sizes, value - 1);
    return t.storeRelease(done, this.shard.advanced(t.get(position), units));
  }

  private applySteps(): Step[] {
    const { shard } = this;
    const { position, content } = this.registers;
    return [
      step('read the payload', (t) => {
        const ring = this.ringOf(t);
        const number = t.get(content);
        if (ring.sizes[number - 1] !== 2) return NEXT;
        const payload = t.load(shard.recordAt(ring, t.get(position) + 1));
        return payload === PAYLOAD + number ? NEXT : t.fail(UNWRITTEN);
      }),
      step('apply', (t) => {
        const ring = this.ringOf(t);
        const number = t.get(content);
        const due = t.get(ring.appliedCount) + 1;
        if (number < 1 || number > ring.sizes.length) t.fail(UNWRITTEN);
        else if (number < due) t.fail(TWICE);
        else if (number > due) t.fail(OVERTAKEN);
        return t.set(ring.appliedCount, number);
      }),
    ];
  }

  private recoverySteps(): Step[] {
    const awaitDeath = step('await death', (t) => {
      if (!this.predecessors.every(({ name }) => t.hasDied(name))) return WAIT;
      // What the dead had in their registers is gone; clearing them merges states.
      for (const { registers } of this.predecessors) forget(t, registers);
      return NEXT;
    });
    const rings = this.shard.rings.flatMap((ring, index) => this.ringRecoverySteps(ring, index));
    return [awaitDeath, ...rings];
  }

  private ringRecoverySteps(ring: Ring, index: number): Step[] {
    const { shard, registers } = this;
    const { position, content } = registers;
    const last = `ring ${index}: set the bit`;
    const believed = shard.has('stale taken believed');
    return [
      step(`ring ${index}: load taken`, (t) => {
        const taken = t.load(ring.taken);
        t.set(position, taken);
        return taken === 0 ? last : NEXT;
      }),
      step(`ring ${index}: load done`, (t) => {
        const done = t.load(ring.done);
        const current = t.get(position) === done + 1;
        t.set(position, done);
        return current || believed ? NEXT : `ring ${index}: clear taken`;
      }),
      step(`ring ${index}: read the record`, (t) => {
        const value = t.load(shard.recordAt(ring, t.get(position)));
        // The answer may be there already; the command's number is in both.
        return t.set(content, value % PAYLOAD);
      }),
      step(`ring ${index}: answer "outcome unknown"`, (t) => {
        t.set(ring.appliedCount, Math.max(t.get(ring.appliedCount), t.get(content)));
        return t.storePlain(
          shard.recordAt(ring, t.get(position)),
          OUTCOME_UNKNOWN + t.get(content),
        );
      }),
      step(`ring ${index}: advance done`, (t) => {
        const units = ring.sizes[t.get(content) - 1] ?? 1;
        return t.storeRelease(ring.done, shard.advanced(t.get(position), units));
      }),
      step(`ring ${index}: clear taken`, (t) => t.storeRelease(ring.taken, 0)),
      step(last, (t) => {
        forget(t, registers);
        return shard.has('recovery trusts the work word') ? NEXT : shard.setBit(t, ring.bit);
      }),
    ];
  }
}
