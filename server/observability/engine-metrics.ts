import { Counter, Gauge, type Registry } from 'prom-client';
import type { EngineStats } from '../../src/index.js';
import type { EngineReading } from './engine-reading.js';

type CounterField = {
  readonly [Field in keyof EngineStats]: EngineStats[Field] extends number ? Field : never;
}[keyof EngineStats];

interface PlainMetric {
  readonly name: string;
  readonly help: string;
  readonly field: CounterField;
}

const COUNTERS: readonly PlainMetric[] = [
  { name: 'sets_total', help: 'Values stored, refreshed ones too.', field: 'sets' },
  { name: 'deletes_total', help: 'Entries removed by command.', field: 'deletes' },
  { name: 'evictions_total', help: 'Entries removed to make room.', field: 'evictions' },
  { name: 'expirations_total', help: 'Entries whose time was over.', field: 'expirations' },
  { name: 'engine_hits_total', help: 'Reads of the engine that found.', field: 'hits' },
  { name: 'engine_misses_total', help: 'Reads of the engine that found nothing.', field: 'misses' },
  { name: 'busy_reads_total', help: 'Reads that gave up after about 2 ms.', field: 'busyReads' },
  { name: 'recoveries_total', help: 'Shards repaired after a thread died.', field: 'recoveries' },
];

const GAUGES: readonly PlainMetric[] = [
  { name: 'memory_limit_bytes', help: 'All memory of the engine.', field: 'memoryBytes' },
  { name: 'leases_active', help: 'Rights to load a key that are held now.', field: 'leasesActive' },
  { name: 'namespaces', help: 'Names of namespaces in use.', field: 'namespaces' },
  { name: 'tag_memory_bytes', help: 'Pages that hold names of tags.', field: 'tagBytes' },
  {
    name: 'ring_high_water_bytes',
    help: 'Most bytes that ever waited in the ring of a thread.',
    field: 'ringHighWater',
  },
];

/** Registers what the engine counts. Labels are shards and size classes: fixed at start. */
export function registerEngineMetrics(registry: Registry, engine: EngineReading): void {
  const registers = [registry];
  for (const { name, help, field } of COUNTERS) {
    new Counter({
      name: `hotshard_${name}`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(engine.read()[field]);
      },
    });
  }
  for (const { name, help, field } of GAUGES) {
    new Gauge({
      name: `hotshard_${name}`,
      help,
      registers,
      collect() {
        this.set(engine.read()[field]);
      },
    });
  }
  registerLeases(registry, engine);
  registerWrites(registry, engine);
  registerShards(registry, engine);
  registerSizeClasses(registry, engine);
}

function registerLeases(registry: Registry, engine: EngineReading): void {
  new Counter({
    name: 'hotshard_leases_total',
    help: 'Rights to load a missing key: granted, waited for, voided, and fills refused.',
    labelNames: ['event'],
    registers: [registry],
    collect() {
      const { leasesGranted, leaseWaits, leasesVoided, fillsRefused } = engine.read();
      this.reset();
      this.inc({ event: 'granted' }, leasesGranted);
      this.inc({ event: 'waited' }, leaseWaits);
      this.inc({ event: 'voided' }, leasesVoided);
      this.inc({ event: 'refused' }, fillsRefused);
    },
  });
}

function registerWrites(registry: Registry, engine: EngineReading): void {
  new Counter({
    name: 'hotshard_writes_total',
    help: 'Writes by their way: applied by the caller, or through a ring by a home worker.',
    labelNames: ['way'],
    registers: [registry],
    collect() {
      let inPlace = 0;
      let queued = 0;
      for (const thread of engine.read().threads) {
        inPlace += thread.inPlaceWrites;
        queued += thread.queuedWrites;
      }
      this.reset();
      this.inc({ way: 'in_place' }, inPlace);
      this.inc({ way: 'queued' }, queued);
    },
  });
}

function registerShards(registry: Registry, engine: EngineReading): void {
  const labelNames = ['shard'] as const;
  const registers = [registry];
  new Gauge({
    name: 'hotshard_items',
    help: 'Entries stored now.',
    labelNames,
    registers,
    collect() {
      for (const [shard, { items }] of engine.read().shards.entries()) this.set({ shard }, items);
    },
  });
  new Gauge({
    name: 'hotshard_shard_memory_bytes',
    help: 'Memory of each shard: chunks and pages of items, pages in use, pages free.',
    labelNames: ['shard', 'state'],
    registers,
    collect() {
      const { shards, pageBytes } = engine.read();
      for (const [shard, { bytes, pages, freePages }] of shards.entries()) {
        this.set({ shard, state: 'items' }, bytes);
        this.set({ shard, state: 'used' }, (pages - freePages) * pageBytes);
        this.set({ shard, state: 'free' }, freePages * pageBytes);
      }
    },
  });
}

function registerSizeClasses(registry: Registry, engine: EngineReading): void {
  new Gauge({
    name: 'hotshard_size_class_memory_bytes',
    help: 'Pages of each shard by the size of their chunks, for sizes that have pages.',
    labelNames: ['shard', 'chunk_bytes'],
    registers: [registry],
    collect() {
      const { shards, pageBytes } = engine.read();
      this.reset();
      for (const [shard, { sizeClasses }] of shards.entries()) {
        for (const { chunkBytes, pages } of sizeClasses) {
          this.set({ shard, chunk_bytes: chunkBytes }, pages * pageBytes);
        }
      }
    },
  });
}
