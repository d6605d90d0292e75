import type { Engine, EngineEvents } from '../../src/index.js';

/** Who is told of what happened to the engine. */
export interface EngineLog {
  warn(line: string): void;
  fault(error: unknown): void;
}

/**
 * Writes down which home workers died or hung and which shards were repaired; for the thread that
 * created the engine.
 *
 * @returns ends it
 */
export function logEngineEvents(engine: Pick<Engine, 'on' | 'off'>, log: EngineLog): () => void {
  const onLost = ({ workerIndex, wasHung, restarted, error }: WorkerLost): void => {
    if (error !== undefined) log.fault(error);
    const how = wasHung ? 'hung and was ended' : 'ended';
    const next = restarted ? 'it is started again' : 'it died too often to be started again';
    log.warn(`home worker ${workerIndex} ${how}; ${next}`);
  };
  const onRecovered = ({ shard, reason, entriesKept, entriesDropped }: ShardRecovered): void => {
    const kept = `${entriesKept} entries kept, ${entriesDropped} dropped`;
    log.warn(`shard ${shard} was repaired (${reason}): ${kept}`);
  };
  engine.on('worker-lost', onLost);
  engine.on('shard-recovered', onRecovered);
  return () => {
    engine.off('worker-lost', onLost);
    engine.off('shard-recovered', onRecovered);
  };
}

type WorkerLost = EngineEvents['worker-lost'];
type ShardRecovered = EngineEvents['shard-recovered'];
