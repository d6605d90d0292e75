interface Queued<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Asks for all items and gives the outcomes in their order; must not reject. */
export type CarryOut<Item, Result> = (
  items: readonly Item[],
) => Promise<readonly PromiseSettledResult<Result>[]>;

/** The most that one batch may hold. */
export interface BatchLimits {
  readonly items: number;
  readonly weight: number;
}

/**
 * Gathers what is asked for in one turn of the program and hands it over together, in order. A turn
 * ends when the code that is running gives the event loop its next microtask.
 */
export class Batcher<Item, Result> {
  private readonly limits: BatchLimits;
  private readonly weigh: (item: Item) => number;
  private readonly carryOut: CarryOut<Item, Result>;
  private queue: Queued<Item, Result>[] = [];
  private weight = 0;

  /**
   * @param weigh what an item counts against the limit of weight
   */
  constructor(
    limits: BatchLimits,
    weigh: (item: Item) => number,
    carryOut: CarryOut<Item, Result>,
  ) {
    this.limits = limits;
    this.weigh = weigh;
    this.carryOut = carryOut;
  }

  add(item: Item): Promise<Result> {
    const weight = this.weigh(item);
    const isFull = this.queue.length >= this.limits.items;
    if (isFull || (this.queue.length > 0 && this.weight + weight > this.limits.weight))
      this.flush();
    if (this.queue.length === 0) queueMicrotask(() => this.flush());
    this.weight += weight;
    return new Promise<Result>((resolve, reject) => this.queue.push({ item, resolve, reject }));
  }

  private flush(): void {
    const batch = this.queue;
    if (batch.length === 0) return;
    this.queue = [];
    this.weight = 0;
    this.carryOut(batch.map(({ item }) => item)).then((outcomes) => {
      batch.forEach(({ resolve, reject }, index) => {
        const outcome = outcomes[index];
        if (outcome?.status === 'fulfilled') resolve(outcome.value);
        else reject(outcome?.reason);
      });
    });
  }
}

/**
 * Asks for all items together; where the service refuses that for the sake of one of them, asks for
 * each by itself, so that the others do not suffer.
 */
export async function togetherOrAlone<Item, Result>(
  items: readonly Item[],
  together: (items: readonly Item[]) => Promise<readonly Result[]>,
  isRefusal: (error: unknown) => boolean,
): Promise<readonly PromiseSettledResult<Result>[]> {
  try {
    const results = await together(items);
    return items.map((_item, index) => fulfilled(results[index] as Result));
  } catch (reason) {
    if (items.length === 1 || !isRefusal(reason)) {
      return items.map(() => ({ status: 'rejected', reason }));
    }
    return Promise.allSettled(
      items.map(async (item) => {
        const [result] = await together([item]);
        return result as Result;
      }),
    );
  }
}

function fulfilled<Result>(value: Result): PromiseSettledResult<Result> {
  return { status: 'fulfilled', value };
}
