import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as bindingStatuses from '../../../native-free-core/status.js';

const assemblyUrl = new URL('../../../native-free-core/assembly/status.ts', import.meta.url);

test('the binding and the core number their statuses alike', () => {
  const text = readFileSync(assemblyUrl, 'utf8');
  const declared = [...text.matchAll(/^export const (STATUS_\w+): i32 = (-?\d+);$/gm)];
  expect(declared.length).toBeGreaterThan(0);
  const assemblyStatuses = declared.map(([, name, value]) => [name, Number(value)]);
  expect(Object.fromEntries(assemblyStatuses)).toEqual({ ...bindingStatuses });
});
