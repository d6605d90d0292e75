import { expect, test } from 'vitest';
import { logEngineEvents } from '../../../../server/observability/engine-events-log.js';
import { WatchedEngine } from '../../../support/home-workers.js';
import { until } from '../../../support/until.js';

test('what happened to home workers is written down, until it is ended', async () => {
  const watched = await WatchedEngine.create({ memory: '16mb', workers: 1, shards: 2 });
  const lines: string[] = [];
  const log = { warn: (line: string) => lines.push(line), fault: () => undefined };
  const end = logEngineEvents(watched.engine, log);
  await watched.lose(watched.workers[0]);
  await until('it is told', () => lines.length > 0);
  expect(lines).toContain('home worker 0 ended; it is started again');
  end();
  const { length } = lines;
  await watched.lose(watched.workers.at(-1));
  expect(lines).toHaveLength(length);
  await watched.close();
});
