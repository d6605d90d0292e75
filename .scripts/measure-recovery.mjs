/**
 * How long a shard of an arena takes to recover, step by step: fills an arena with entries of 100
 * bytes, leaves each shard as a thread that died in it would, and recovers it.
 *
 *     node .scripts/measure-recovery.mjs [mebibytes]
 */
import { readFile } from 'node:fs/promises';
import { createArena } from '../dist/native-free-core/arena.js';
import * as layout from '../dist/native-free-core/assembly/layout.js';
import { planArena } from '../dist/native-free-core/plan.js';

const MIB = 1_048_576;
const VALUE_BYTES = 100;
const mebibytes = Number(process.argv[2] ?? 256);
const path = new URL('../native-free-core/core.wasm', import.meta.url);
const module = new WebAssembly.Module(await readFile(path));
const plan = planArena({
  limitBytes: mebibytes * MIB,
  shardCount: 8,
  threadSlotCount: 8,
  entryCountMax: Number.POSITIVE_INFINITY,
});
const arena = createArena(plan, module, { nowMs: () => performance.now() }, 1234n);
const { core, view, buffer } = arena;
const id = core.attachThread(0, 0, 1);
const slot = plan.threadsOffset + id * plan.threadBytes;
const bytes = new Uint8Array(buffer);
const key = Buffer.from(buffer, slot + layout.THREAD_KEY, layout.KEY_BYTES_MAX);

/** @param {number} number */
function set(number) {
  const keyBytes = key.write(`key-${number}`, 'latin1');
  const at = core.beginCommand(layout.OP_SET, keyBytes, 0, VALUE_BYTES) >>> 0;
  bytes.fill(number & 255, at, at + VALUE_BYTES);
  core.submit(VALUE_BYTES, 0, 0, 0, number % 2 === 0 ? 1e9 : Number.POSITIVE_INFINITY, 1);
}

// Until everything is full, in another order than that of the memory.
const entries = Math.floor((mebibytes * MIB) / 200);
for (let i = 0; i < entries; i++) set(i);
for (let i = 0; i < entries; i++) set((i * 7_919) % entries);

const words = new Int32Array(buffer);
const generation = view.getUint32(slot + layout.THREAD_STATE, true) >>> 8;
/** @type {number[]} */
const slices = [];
let kept = 0;
let longestReadsMs = 0;
let sumMs = 0;
const cpuBefore = process.cpuUsage();
for (let shard = 0; shard < plan.shardCount; shard++) {
  const address = plan.shardsOffset + shard * plan.shardBytes;
  const stripe = plan.shardsOffset + (shard + 1) * plan.shardBytes - plan.stripeCount * 4;
  Atomics.store(words, address / 4, (id + 1) | (generation << 8));
  Atomics.add(words, stripe / 4, 1);
  const startMs = performance.now();
  if (core.recoverShardOf(shard, id, generation) === 0) throw new Error('not recovered');
  longestReadsMs = Math.max(longestReadsMs, performance.now() - startMs);
  for (let more = 1; more !== 0; ) {
    const sliceMs = performance.now();
    more = core.recoverSlice(shard);
    slices.push(performance.now() - sliceMs);
  }
  sumMs += performance.now() - startMs;
  kept += view.getUint32(address + layout.SHARD_RECOVERY_KEPT, true);
}
const cpuMs = process.cpuUsage(cpuBefore).user / 1_000;
slices.sort((a, b) => a - b);
const at = (/** @type {number} */ share) => slices[Math.floor((slices.length - 1) * share)] ?? 0;
process.stdout.write(
  `${mebibytes} MiB, ${kept} entries: step 1 at most ${longestReadsMs.toFixed(3)} ms; ` +
    `step 2 ${sumMs.toFixed(0)} ms in all, ${((sumMs * 1_024) / mebibytes).toFixed(0)} ms a GiB ` +
    `(${cpuMs.toFixed(0)} ms of processor time, ${((cpuMs * 1_024) / mebibytes).toFixed(0)} a GiB); ` +
    `slices p50 ${(at(0.5) * 1_000).toFixed(0)} µs, p99 ${(at(0.99) * 1_000).toFixed(0)} µs, ` +
    `longest ${(at(1) * 1_000).toFixed(0)} µs\n`,
);
