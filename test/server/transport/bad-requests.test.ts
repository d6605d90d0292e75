/**
 * What each transport answers to requests that must not be served: alone, behind a good one in the
 * same packet, and byte by byte. Where uWebSockets.js decides, this records what it does, and will
 * show when a newer version does otherwise.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { BAD_REQUESTS, type BadRequest } from '../support/bad-requests.js';
import { RawConnection, requestText } from '../support/raw-connection.js';
import { renewPage } from '../support/security-page.js';
import { StoreDouble } from '../support/store-double.js';
import { get, serveStore, type TestService, TRANSPORT_KINDS } from '../support/test-service.js';

const GOOD = requestText('GET /health');
const PAGE = new URL('../../../docs/SECURITY.md', import.meta.url);

interface Answers {
  readonly alone: string;
  readonly behind: string;
  readonly split: string;
}

/** The answer in the words of the table; whether the connection lives on is found by using it. */
async function readAnswer(connection: RawConnection): Promise<string> {
  const response = await connection.nextResponse();
  if (response === undefined) return 'closed';
  expect(response.body.toString()).not.toMatch(/\.[jt]s:\d|\n\s+at /);
  connection.write(GOOD);
  const next = await connection.nextResponse();
  if (next === undefined) return `${response.status} closed`;
  return next.status === 200 ? `${response.status}` : `${response.status}, then ${next.status}`;
}

async function readBehindGood(connection: RawConnection): Promise<string> {
  const first = await connection.nextResponse();
  if (first?.status === 200) return readAnswer(connection);
  const second = await connection.nextResponse();
  return `lost, ${first?.status}${second === undefined ? ' closed' : ''}`;
}

async function askInThreeWays(port: number, { bytes }: BadRequest): Promise<Answers> {
  const [alone, behind, split] = await Promise.all([
    RawConnection.open(port),
    RawConnection.open(port),
    RawConnection.open(port),
  ]);
  alone.write(bytes);
  behind.write(GOOD + bytes);
  const [ofAlone, ofBehind, ofSplit] = await Promise.all([
    readAnswer(alone),
    readBehindGood(behind),
    split.writeByteByByte(bytes).then(() => readAnswer(split)),
  ]);
  for (const connection of [alone, behind, split]) connection.destroy();
  return { alone: ofAlone, behind: ofBehind, split: ofSplit };
}

describe.each(TRANSPORT_KINDS)('bad requests over %s', (kind) => {
  const store = new StoreDouble();
  let service: TestService;
  let found: readonly Answers[];
  beforeAll(async () => {
    service = await serveStore(store, {}, undefined, kind);
    // All at once, because some are answered after ten seconds only.
    found = await Promise.all(BAD_REQUESTS.map((bad) => askInThreeWays(service.port, bad)));
  });

  test.each(BAD_REQUESTS.map((bad, index) => ({ ...bad, index })))(
    '$entry: $name',
    ({ answer, losesGood, index }) => {
      const expected = answer[kind];
      const behind = kind === 'uws' && losesGood ? `lost, ${expected}` : expected;
      expect(found[index]).toEqual({ alone: expected, behind, split: expected });
    },
  );

  test('leave the service as it was', async () => {
    expect((await get(service.port, '/health')).status).toBe(200);
    expect(service.faults).toEqual([]);
    expect(service.budget.usedBytes).toBe(0);
  });
});

test('docs/SECURITY.md lists what is expected here', () => {
  const page = readFileSync(PAGE, 'utf8');
  const renewed = renewPage(page);
  // HOTSHARD_TEST_RENEW=1 writes the page instead of comparing it.
  if (process.env['HOTSHARD_TEST_RENEW'] === '1') writeFileSync(PAGE, renewed);
  else expect(page).toBe(renewed);
});
