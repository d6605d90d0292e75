import type { Command } from './command.js';

/** Shrinks a queue when this many taken commands lie in front. */
const TAKEN_MAX = 1_024;

/** The published commands of one shard, oldest first: the order in which they are answered. */
class AnswerQueue {
  #commands: Command[] = [];
  #first = 0;

  get isEmpty(): boolean {
    return this.#first === this.#commands.length;
  }

  push(command: Command): void {
    this.#commands.push(command);
  }

  shift(): Command {
    const command = this.#commands[this.#first];
    if (command === undefined) throw new Error('an answer came for a command that was never sent');
    this.#first += 1;
    if (this.#first === this.#commands.length) {
      this.#commands.length = 0;
      this.#first = 0;
    } else if (this.#first === TAKEN_MAX) {
      this.#commands = this.#commands.slice(TAKEN_MAX);
      this.#first = 0;
    }
    return command;
  }
}

/** The published commands of one thread, by shard. */
export class Outbox {
  readonly #queues: readonly AnswerQueue[];
  #count = 0;

  constructor(shardCount: number) {
    this.#queues = Array.from({ length: shardCount }, () => new AnswerQueue());
  }

  /** Commands that were published and not answered yet. */
  get count(): number {
    return this.#count;
  }

  has(shard: number): boolean {
    return this.#queues[shard]?.isEmpty === false;
  }

  push(shard: number, command: Command): void {
    (this.#queues[shard] as AnswerQueue).push(command);
    this.#count += 1;
  }

  /** The command whose answer came. */
  shift(shard: number): Command {
    this.#count -= 1;
    return (this.#queues[shard] as AnswerQueue).shift();
  }
}
