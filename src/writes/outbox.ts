import type { Command } from './command.js';
import { Fifo } from './fifo.js';

/** The published commands of one thread, by shard, each in the order of its answers. */
export class Outbox {
  readonly #queues: readonly Fifo<Command>[];
  #count = 0;

  constructor(shardCount: number) {
    this.#queues = Array.from({ length: shardCount }, () => new Fifo<Command>());
  }

  /** Commands that were published and not answered yet. */
  get count(): number {
    return this.#count;
  }

  has(shard: number): boolean {
    return (this.#queues[shard] as Fifo<Command>).length > 0;
  }

  push(shard: number, command: Command): void {
    (this.#queues[shard] as Fifo<Command>).push(command);
    this.#count += 1;
  }

  /** Whether an answered record is that of the next command of its shard. */
  isNext(shard: number, record: number): boolean {
    return (this.#queues[shard] as Fifo<Command>).peek()?.record === record;
  }

  /** The command whose answer came. */
  shift(shard: number): Command {
    const command = (this.#queues[shard] as Fifo<Command>).shift();
    if (command === undefined) throw new Error('an answer came for a command that was never sent');
    this.#count -= 1;
    return command;
  }
}
