import { Agent } from 'node:http';
import { until } from '../../support/until.js';
import { roundTrip } from './round-trip.js';

const CLIENTS = 16;
/** Answers after which the load counts as running. */
const ANSWERS_MIN = 500;

/**
 * Puts and gets over kept connections until the service accepts no more.
 *
 * @param stop called once the load runs; it makes the service end
 * @returns what went wrong with requests that had been sent
 */
export async function loadUntilRefused(port: number, stop: () => void): Promise<string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const failures: string[] = [];
  let answered = 0;
  let isRefused = false;
  const client = async (name: number): Promise<void> => {
    for (let round = 0; !isRefused; round++) {
      const method = round % 4 === 0 ? 'PUT' : 'GET';
      const outcome = await roundTrip(agent, port, method, `/cache/k${name}`);
      if (outcome === 'ECONNREFUSED') isRefused = true;
      else if (outcome === 200 || outcome === 201) answered += 1;
      else failures.push(String(outcome));
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, name) => client(name));
  await until('there is load', () => answered > ANSWERS_MIN);
  stop();
  await Promise.all(clients);
  agent.destroy();
  return failures;
}
