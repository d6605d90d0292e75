import { describe, expect, test } from 'vitest';
import {
  ENCODING_NO_TEXT,
  FLAG_KEEP_TTL,
  FLAG_ONLY_ABSENT,
  FLAG_RETURN_OLD,
  FLAG_VERSION,
  OP_DELETE,
  OP_INCREMENT,
  OP_SET,
  OP_TOUCH,
} from '../../../native-free-core/assembly/layout.js';
import { ENCODING_MSGPACK } from '../../../src/codec/codec.js';
import { Command } from '../../../src/writes/command.js';

function commandOf(opcode: number, flags: number): Command {
  const command = new Command();
  command.opcode = opcode;
  command.flags = flags;
  return command;
}

describe('what a command promises before it was applied, and after its holder died', () => {
  test.each([
    ['set', OP_SET, 0, true, true],
    ['set that keeps its time', OP_SET, FLAG_KEEP_TTL, true, true],
    ['set only when absent', OP_SET, FLAG_ONLY_ABSENT, false, false],
    ['setIf', OP_SET, FLAG_VERSION, false, false],
    ['getAndSet', OP_SET, FLAG_RETURN_OLD, true, false],
    ['delete', OP_DELETE, 0, true, true],
    ['getAndDelete', OP_DELETE, FLAG_RETURN_OLD, true, false],
    ['touch', OP_TOUCH, 0, false, false],
    ['increment', OP_INCREMENT, 0, false, false],
    ['increment that keeps its time', OP_INCREMENT, FLAG_KEEP_TTL, false, false],
  ])('%s', (_, opcode, flags, isVisibleEarly, isIdempotent) => {
    const command = commandOf(opcode, flags);
    expect(command.isVisibleEarly).toBe(isVisibleEarly);
    expect(command.isIdempotent).toBe(isIdempotent);
  });
});

test('the core counts on no value of the binary codec', () => {
  expect(ENCODING_NO_TEXT).toBe(ENCODING_MSGPACK);
});
