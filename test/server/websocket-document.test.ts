/** Plays the conversations that docs/WEBSOCKET.md shows. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createValueCodec } from '../../server/codecs/value-codec.js';
import { DEFAULT_SERVICE_SETTINGS } from '../../server/service-settings.js';
import { createEngine } from '../../src/index.js';
import { until } from '../support/until.js';
import { type Frame, SocketDouble } from './support/socket-double.js';
import { createSocketRig } from './support/socket-rig.js';

const PAGE = fileURLToPath(new URL('../../docs/WEBSOCKET.md', import.meta.url));
/** What depends on the moment: shown as an example, compared by its kind. */
const MOMENTARY: ReadonlySet<string> = new Set(['ttlMs', 'ageMs', 'version']);

const conversations = [...readFileSync(PAGE, 'utf8').matchAll(/```text\n([^`]*)```/g)].map(
  ([, lines = '']) => lines.trim().split('\n'),
);

function blur(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      return [name, MOMENTARY.has(name) && member !== null ? typeof member : member];
    }),
  );
}

function plain(frame: unknown): string {
  return JSON.stringify(frame, blur);
}

describe('docs/WEBSOCKET.md', () => {
  let codec: Awaited<ReturnType<typeof createValueCodec>>;

  beforeAll(async () => {
    codec = await createValueCodec(DEFAULT_SERVICE_SETTINGS);
  });
  afterAll(() => codec.close());

  test('shows conversations', () => {
    expect(conversations.length).toBeGreaterThanOrEqual(5);
  });

  test.each(conversations.map((lines) => [lines[0] ?? '', lines] as const))(
    'conversation that begins with %s',
    async (_first, lines) => {
      const defaultTtl = DEFAULT_SERVICE_SETTINGS.defaultTtlMs;
      const engine = await createEngine({ memory: '16mb', workers: 0, defaultTtl });
      const socket = SocketDouble.open(createSocketRig(engine, { codec }).server.upgrade);
      const expected: string[] = [];
      for (const line of lines) {
        expect(line).toMatch(/^[<>] \{/);
        if (line.startsWith('>')) {
          await until('what came before is answered', () => socket.sent.length >= expected.length);
          socket.receive(line.slice(2));
        } else {
          expected.push(plain(JSON.parse(line.slice(2)) as Frame));
        }
      }
      await until('all has come', () => socket.sent.length >= expected.length);
      expect(socket.frames.map(plain)).toEqual(expected);
      await engine.close();
    },
  );
});
