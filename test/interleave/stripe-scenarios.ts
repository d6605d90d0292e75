/** What the holder of the stripe model does, as straight lines of stores. */
import type { Step } from './protocol.js';
import type { Contents, StripeTable } from './stripe-table.js';
import { KEY, NEIGHBOUR, VICTIM } from './stripe-table.js';

/**
 * - `overwrite`: KEY is set twice, the second time into the memory of its first value; then another
 *   key takes the memory of the second.
 * - `evict`: VICTIM is evicted, and NEIGHBOUR, in another stripe, is set into its memory.
 * - `split`: KEY moves to the new bucket, NEIGHBOUR stays; then KEY is set, and VICTIM takes the
 *   memory of its first value.
 * - `fold`: NEIGHBOUR is deleted, KEY moves into its entry; then KEY is set into the memory of
 *   NEIGHBOUR, is deleted, and set again.
 */
export type ScenarioName = 'overwrite' | 'evict' | 'split' | 'fold';

export function writeScenario(name: ScenarioName, table: StripeTable): Step[] {
  if (name === 'overwrite') return overwrite(table);
  if (name === 'evict') return evict(table);
  return name === 'split' ? split(table) : fold(table);
}

function contents(...pairs: readonly (readonly [key: number, value: number])[]): Contents {
  return new Map(pairs);
}

function overwrite(table: StripeTable): Step[] {
  table.initialRoot(1);
  table.initialEntry(0, 0, 1, KEY);
  table.initialItem(1, KEY, 11);
  table.history.push(contents([KEY, 11]));
  const reference = table.entry(0, 0);
  const swap = (item: number): Step[] => table.window(KEY, [table.put(reference, item)]);
  const firstSwap = swap(2);
  const reuse = table.writeItem(1, KEY, 13);
  const early = table.has('memory used again before it is unlinked');
  return [
    ...table.operation('set 12', contents([KEY, 12]), [
      ...table.writeItem(2, KEY, 12),
      ...(early ? reuse : []),
      ...firstSwap,
    ]),
    ...table.operation('set 13', contents([KEY, 13]), [...(early ? [] : reuse), ...swap(1)]),
    ...table.operation('set neighbour 21', contents([KEY, 13], [NEIGHBOUR, 21]), [
      ...table.writeItem(2, NEIGHBOUR, 21),
      ...table.window(NEIGHBOUR, [
        table.putTags(0, [KEY, NEIGHBOUR]),
        table.put(table.entry(0, 1), 2),
      ]),
    ]),
  ];
}

function evict(table: StripeTable): Step[] {
  table.initialRoot(2);
  table.initialEntry(1, 0, 1, VICTIM);
  table.initialItem(1, VICTIM, 31);
  table.history.push(contents([VICTIM, 31]));
  const unlink = table.put(table.entry(1, 0), 0);
  const guarded = !table.has('victim without its stripe');
  return [
    ...table.operation('evict', contents(), guarded ? table.window(VICTIM, [unlink]) : [unlink]),
    ...table.operation('set neighbour 21', contents([NEIGHBOUR, 21]), [
      ...table.writeItem(1, NEIGHBOUR, 21),
      ...table.window(NEIGHBOUR, [table.putTags(0, [NEIGHBOUR]), table.put(table.entry(0, 0), 1)]),
    ]),
  ];
}

function split(table: StripeTable): Step[] {
  table.initialRoot(1);
  table.initialEntry(0, 0, 1, KEY);
  table.initialEntry(0, 1, 3, NEIGHBOUR);
  table.initialItem(1, KEY, 11);
  table.initialItem(3, NEIGHBOUR, 21);
  const before = contents([KEY, 11], [NEIGHBOUR, 21]);
  table.history.push(before);
  const clearOld = table.put(table.entry(0, 0), 0);
  const moveRoot = table.window(KEY, [table.put(table.root, 2)]);
  const early = table.has('old bucket cleared before the root moved');
  return [
    ...table.operation('split', before, [
      table.putTags(1, [KEY]),
      table.put(table.entry(1, 0), 1),
      ...(early ? [clearOld, ...moveRoot] : [...moveRoot, clearOld]),
    ]),
    ...table.operation('set 12', contents([KEY, 12], [NEIGHBOUR, 21]), [
      ...table.writeItem(2, KEY, 12),
      ...table.window(KEY, [table.put(table.entry(1, 0), 2)]),
    ]),
    ...table.operation('set victim 31', contents([KEY, 12], [NEIGHBOUR, 21], [VICTIM, 31]), [
      ...table.writeItem(1, VICTIM, 31),
      ...table.window(VICTIM, [table.putTags(1, [KEY, VICTIM]), table.put(table.entry(1, 1), 1)]),
    ]),
  ];
}

function fold(table: StripeTable): Step[] {
  table.initialRoot(1);
  table.initialEntry(0, 0, 2, NEIGHBOUR);
  table.initialEntry(0, 1, 1, KEY);
  table.initialItem(2, NEIGHBOUR, 21);
  table.initialItem(1, KEY, 11);
  table.history.push(contents([KEY, 11], [NEIGHBOUR, 21]));
  const hole = table.entry(0, 0);
  return [
    ...table.operation('delete neighbour', contents([KEY, 11]), [
      ...table.window(NEIGHBOUR, [table.put(hole, 0)]),
    ]),
    ...table.operation('fold', contents([KEY, 11]), [
      ...table.window(KEY, [
        table.putTags(0, [KEY, KEY]),
        table.put(hole, 1),
        table.put(table.entry(0, 1), 0),
      ]),
    ]),
    ...table.operation('set 12', contents([KEY, 12]), [
      ...table.writeItem(2, KEY, 12),
      ...table.window(KEY, [table.put(hole, 2)]),
    ]),
    ...table.operation('delete', contents(), table.window(KEY, [table.put(hole, 0)])),
    ...table.operation('set 13', contents([KEY, 13]), [
      ...table.writeItem(2, KEY, 13),
      ...table.window(KEY, [table.put(hole, 2)]),
    ]),
  ];
}
