import fc from 'fast-check';
import { describe, it } from 'vitest';
import {
  FLAG_KEEP_TTL,
  FLAG_ONLY_ABSENT,
  FLAG_ONLY_PRESENT,
  FLAG_RETURN_OLD,
  FLAG_VERSION,
} from '../../native-free-core/assembly/layout.js';
import { seedFromEnvironment } from '../support/prng.js';
import { scaled } from '../support/scale.js';
import {
  CommandRig,
  type CountCommand,
  type KeyCommand,
  type RigOptions,
  type SetCommand,
} from './command-rig.js';

const NAMESPACES = 3;
const COMMANDS_MAX = 120;
const KIB = 1_024;
const DAY_MS = 86_400_000;
const KEYS: readonly string[] = Array.from({ length: 20 }, (_, index) =>
  index < 17 ? `key-${index}` : `${index}`.padEnd(300 * (index - 16), 'x'),
);

/** An operation on the core and its model: the interface that fast-check runs and shrinks. */
class Operation implements fc.Command<object, CommandRig> {
  private readonly text: string;
  private readonly action: (rig: CommandRig) => void;

  constructor(text: string, action: (rig: CommandRig) => void) {
    this.text = text;
    this.action = action;
  }

  check(): boolean {
    return true;
  }

  run(_model: object, rig: CommandRig): void {
    this.action(rig);
    rig.check();
  }

  toString(): string {
    return this.text;
  }
}

const caller = fc.integer({ min: 0, max: 1 });
const namespaceId = fc.integer({ min: 0, max: NAMESPACES - 1 });
// Two keys more often than the others, so that commands on one key meet each other.
const key = fc.oneof(fc.constantFrom(...KEYS), fc.constantFrom(...KEYS.slice(0, 2)));
const shard = fc.integer({ min: 0, max: 7 });
const inPlace = fc.oneof({ arbitrary: fc.constant(true), weight: 2 }, fc.constant(false));
const ttlMs = fc.oneof(
  fc.constant(Number.POSITIVE_INFINITY),
  fc.double({ min: 0.5, max: 50, noNaN: true }),
  fc.integer({ min: 1, max: 100_000 }),
  fc.constantFrom(8, 512, 40 * DAY_MS, 3_650 * DAY_MS),
);
const stepMs = fc.oneof(
  fc.double({ min: 0, max: 20, noNaN: true }),
  fc.integer({ min: 1, max: 5_000 }),
  fc.constantFrom(8, 512, 32_768, DAY_MS),
);
const setFlags = fc.oneof(
  { arbitrary: fc.constant(0), weight: 4 },
  fc.constantFrom(
    FLAG_ONLY_ABSENT,
    FLAG_ONLY_PRESENT,
    FLAG_KEEP_TTL,
    FLAG_RETURN_OLD,
    FLAG_KEEP_TTL | FLAG_RETURN_OLD,
    FLAG_ONLY_PRESENT | FLAG_RETURN_OLD,
    FLAG_ONLY_PRESENT | FLAG_KEEP_TTL,
    FLAG_VERSION,
    FLAG_VERSION | FLAG_KEEP_TTL,
  ),
);

/** Bytes that tell their length and beginning apart from any other value's. */
function pattern(length: number, salt: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + salt + (index >> 8)) & 0xff);
}

function sizes(valueBytesMax: number): fc.Arbitrary<number> {
  return fc.oneof(
    { arbitrary: fc.integer({ min: 0, max: 200 }), weight: 5 },
    { arbitrary: fc.integer({ min: 200, max: 960 }), weight: 2 },
    { arbitrary: fc.integer({ min: 900, max: Math.min(9_000, valueBytesMax) }), weight: 2 },
    fc.integer({ min: 4_000, max: Math.min(40_000, valueBytesMax) }),
  );
}

const integer = fc.oneof(
  { arbitrary: fc.integer({ min: -1_000, max: 1_000 }), weight: 3 },
  fc.maxSafeInteger(),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER),
);

function countCommand(): fc.Arbitrary<CountCommand> {
  const flags = fc.constantFrom(0, FLAG_KEEP_TTL);
  const initial = fc.constantFrom('0', '7', '-12', '9007199254740991', '-9007199254740991');
  // The longest keys leave no room in the rings of so tiny an arena.
  const short = fc.constantFrom(...KEYS.slice(0, 17));
  const rest = { caller, namespaceId, ttlMs, flags, inPlace };
  return fc.record({ ...rest, key: short, by: integer, initial });
}

/** Values that look like numbers, more or less. */
function numberCommand(): fc.Arbitrary<SetCommand> {
  const text = fc.oneof(
    { arbitrary: integer.map(String), weight: 4 },
    fc.constantFrom('', '-', '-0', '00', '01', '+1', '1.5', '1e3', ' 1', '9007199254740992'),
  );
  return fc.record({
    ...{ caller, key, namespaceId, ttlMs, flags: fc.constant(0), inPlace },
    value: text.map((digits) => Uint8Array.from(Buffer.from(digits))),
    encoding: fc.integer({ min: 0, max: 5 }),
    contentType: fc.constantFrom('', 'text/plain', 'x'.repeat(127)),
  });
}

function keyCommand(flags: fc.Arbitrary<number>): fc.Arbitrary<KeyCommand> {
  return fc.record({ caller, key, namespaceId, ttlMs, flags, inPlace });
}

function setCommand(valueBytesMax: number): fc.Arbitrary<SetCommand> {
  const value = fc
    .tuple(sizes(valueBytesMax), fc.integer({ min: 0, max: 255 }))
    .map(([length, salt]) => pattern(length, salt));
  const encoding = fc.integer({ min: 0, max: 255 });
  const contentType = fc.constantFrom('', '', 'text/plain', 'x'.repeat(127));
  return fc.record({
    ...{ caller, key, namespaceId, ttlMs, flags: setFlags, inPlace },
    ...{ value, encoding, contentType },
  });
}

function describeCommand(command: KeyCommand): string {
  const { caller: by, key: name, namespaceId: space, ttlMs: ttl, flags, inPlace: here } = command;
  const where = here ? 'in place' : 'queued';
  return `${by}: ${space}/${name.slice(0, 8)} ttl ${ttl} flags ${flags} ${where}`;
}

function operations(valueBytesMax: number, counts: boolean): fc.Arbitrary<Operation>[] {
  const set = setCommand(valueBytesMax).map(
    (command) =>
      new Operation(`set ${describeCommand(command)} ${command.value.length} bytes`, (rig) =>
        rig.set(command),
      ),
  );
  const read = fc
    .tuple(caller, key, namespaceId)
    .map(
      ([by, name, space]) =>
        new Operation(`get ${by}: ${space}/${name.slice(0, 8)}`, (rig) =>
          rig.read(by, name, space),
        ),
    );
  const remove = keyCommand(fc.constantFrom(0, FLAG_RETURN_OLD)).map(
    (command) => new Operation(`delete ${describeCommand(command)}`, (rig) => rig.remove(command)),
  );
  const touch = keyCommand(fc.constant(0)).map(
    (command) => new Operation(`touch ${describeCommand(command)}`, (rig) => rig.touch(command)),
  );
  const number = numberCommand().map(
    (command) =>
      new Operation(`set ${describeCommand(command)} '${Buffer.from(command.value)}'`, (rig) =>
        rig.set(command),
      ),
  );
  const increment = countCommand().map(
    (command) =>
      new Operation(`increment ${describeCommand(command)} by ${command.by}`, (rig) =>
        rig.increment(command),
      ),
  );
  const clear = namespaceId.map(
    (space) => new Operation(`clear ${space}`, (rig) => rig.clear(space)),
  );
  const advance = stepMs.map(
    (step) => new Operation(`advance ${step}`, (rig) => rig.advance(step)),
  );
  const serve = fc
    .tuple(shard, fc.boolean())
    .map(
      ([index, byWorker]) =>
        new Operation(`serve ${index} ${byWorker}`, (rig) =>
          rig.serve(index % rig.shardCount, byWorker ? rig.worker : (rig.callers[0] ?? rig.worker)),
        ),
    );
  const serveHome = fc.constant(new Operation('serve home', (rig) => rig.serveHome()));
  const help = fc
    .tuple(shard, caller)
    .map(
      ([index, by]) =>
        new Operation(`help ${index} by ${by}`, (rig) => rig.help(index % rig.shardCount, by)),
    );
  const usual = [set, set, set, set, read, read, read, remove, touch, clear, advance, advance];
  const upkeep = [serve, serveHome, help];
  return [...usual, ...upkeep, ...(counts ? [number, increment, increment] : [])];
}

function runModel(options: RigOptions, numRuns: number): void {
  const rig = new CommandRig(options);
  const commands = fc.commands(operations(rig.valueBytesMax, !options.mayEvict), {
    maxCommands: COMMANDS_MAX,
    size: 'max',
  });
  fc.assert(
    fc.property(commands, (sequence) => {
      rig.reset();
      if (options.mayEvict) rig.fill();
      fc.modelRun(() => ({ model: {}, real: rig }), sequence);
      rig.finish(KEYS, NAMESPACES);
    }),
    { seed: seedFromEnvironment(), numRuns: scaled(numRuns) },
  );
}

const roomy = { mayEvict: false, sharedClock: false, limitBytes: 4 * KIB * KIB };
const tight = { mayEvict: true, sharedClock: false, limitBytes: 256 * KIB };

describe('commands agree with a naive cache', () => {
  it('where memory is plenty: nothing is lost', () => {
    runModel(roomy, 150);
  });

  it('over several shards', () => {
    runModel({ ...roomy, shardCount: 4 }, 100);
  });

  it('where memory is short: values that were set, or a miss', () => {
    runModel(tight, 200);
  });

  it('where entries are counted', () => {
    runModel({ ...tight, entryCountMax: 7, sharedClock: true }, 150);
  });

  it.each(['lfu', 's3fifo'] as const)('where memory is short, by %s', (eviction) => {
    runModel({ ...tight, eviction }, 100);
  });

  it.each(['lfu', 's3fifo'] as const)('where entries are counted, by %s', (eviction) => {
    runModel({ ...tight, entryCountMax: 7, sharedClock: true, eviction }, 80);
  });

  it('in the build for weakly ordered processors', () => {
    runModel({ ...tight, build: 'core-weak', sharedClock: true }, 60);
  });
});
