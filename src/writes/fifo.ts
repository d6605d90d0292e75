/** Taken elements that may lie in front before they are cut off. */
const TAKEN_MAX = 1_024;

/** A first-in, first-out queue: `Array.shift` moves all that is left, which a long queue feels. */
export class Fifo<T> {
  #elements: T[] = [];
  #first = 0;

  get length(): number {
    return this.#elements.length - this.#first;
  }

  push(element: T): void {
    this.#elements.push(element);
  }

  /** The oldest element; undefined when the queue is empty. */
  peek(): T | undefined {
    return this.#elements[this.#first];
  }

  /** Takes the oldest element; undefined when the queue is empty. */
  shift(): T | undefined {
    const element = this.#elements[this.#first];
    if (this.length === 0) return undefined;
    this.#elements[this.#first] = undefined as T;
    this.#first += 1;
    if (this.#first === this.#elements.length) {
      this.#elements.length = 0;
      this.#first = 0;
    } else if (this.#first >= TAKEN_MAX && this.#first * 2 >= this.#elements.length) {
      // Half of it is taken: what is moved now was paid for by as many shifts.
      this.#elements = this.#elements.slice(this.#first);
      this.#first = 0;
    }
    return element;
  }
}
