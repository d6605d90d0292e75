/** The home worker of the hand-over model: serves its shard, parks when there is no work. */

import type { HandOverShard } from './hand-over-words.js';
import { WORKER_MARK } from './hand-over-words.js';
import type { Step, StepBody, Word } from './protocol.js';
import { endingWith, NEXT, step, WAIT } from './protocol.js';

export class HandOverWorker {
  private readonly shard: HandOverShard;

  constructor(shard: HandOverShard) {
    this.shard = shard;
  }

  steps(): Step[] {
    const bell = this.shard.protocol.private('worker bell');
    const wants = this.shard.protocol.private('worker has set wanted');
    const retried = this.shard.protocol.private('worker has retried');
    const begin = 'read the doorbell';
    const again: StepBody = () => begin;
    const readBell = step(begin, (t) => t.set(bell, t.load(this.shard.doorbell)));
    const won: StepBody = (t) => {
      t.set(retried, 0);
      return t.get(wants) === 1 ? 'clear wanted' : 'look at the work word';
    };
    const contend: StepBody = (t) => {
      if (t.branch === 0) return 'spin for the owner';
      if (t.branch === 1) return 'set wanted';
      // It may turn to other shards first. Once is enough to see what follows.
      if (t.get(retried) === 1) return WAIT;
      t.set(retried, 1);
      return t.branch === 2 ? begin : 'set wanted and leave';
    };
    const setWanted = (label: string, after: string): Step =>
      step(label, (t) => {
        t.set(wants, 1);
        t.storePlain(this.shard.wanted, 1);
        return after;
      });
    return [
      ...(this.shard.has('doorbell read last') ? [step(begin, () => NEXT)] : [readBell]),
      step('look', (t) => (t.load(this.shard.work) === 0 ? 'park' : NEXT)),
      ...this.shard.tryOwner('try the owner', WORKER_MARK, won, () => 'contend'),
      // Faulty variants go wrong without that, in a quarter of the time.
      step('contend', contend, this.shard.isFaulty ? 2 : 4),
      setWanted('set wanted and leave', begin),
      setWanted('set wanted', 'spin for the owner'),
      ...this.shard.tryOwner('spin for the owner', WORKER_MARK, won, () => WAIT),
      step('clear wanted', (t) => {
        t.set(wants, 0);
        return t.storePlain(this.shard.wanted, 0);
      }),
      ...endingWith(
        this.shard.drainSteps(this.shard.createRegisters('worker'), WORKER_MARK, 255),
        again,
      ),
      ...this.parkSteps(bell, again),
    ];
  }

  private parkSteps(bell: Word, again: StepBody): Step[] {
    const storeParked = step('store parked', (t) =>
      this.shard.has('plain parked')
        ? t.storePlain(this.shard.parked, 1)
        : t.store(this.shard.parked, 1),
    );
    const look = step('look once more', (t) => (t.load(this.shard.work) === 0 ? NEXT : 'unpark'));
    const readBell = step('read the doorbell last', (t) =>
      t.set(bell, t.load(this.shard.doorbell)),
    );
    let order = [storeParked, look];
    if (this.shard.has('doorbell read last')) order = [storeParked, look, readBell];
    else if (this.shard.has('parked without looking again')) order = [storeParked];
    else if (this.shard.has('parked stored after the last look')) order = [look, storeParked];
    return [
      step('park', () => NEXT),
      ...order,
      step('sleep', (t) =>
        t.load(this.shard.doorbell) === t.get(bell) ? t.set(this.shard.asleep, 1) : 'unpark',
      ),
      step('asleep', (t) => (t.get(this.shard.asleep) === 1 ? WAIT : NEXT)),
      ...endingWith([step('unpark', (t) => t.store(this.shard.parked, 0))], (t) => {
        t.set(bell, 0);
        return again(t);
      }),
    ];
  }
}
