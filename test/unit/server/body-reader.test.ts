import { expect, test } from 'vitest';
import { ByteBudget } from '../../../server/byte-budget.js';
import { readBody } from '../../../server/http/body-reader.js';
import { ExchangeDouble } from '../../server/support/exchange-double.js';

test.each([undefined, 6])(
  'keeps no view of what was lent, Content-Length %s',
  async (contentBytes) => {
    const exchange = new ExchangeDouble('PUT', '/cache/a');
    const budget = new ByteBudget(100);
    const reading = readBody(exchange, { contentBytes, valueBytesMax: 100, budget });
    // A Buffer, as node:http lends it.
    const lent = Buffer.from('abcdef');
    exchange.receiver?.onChunk(lent, true);
    lent.fill('!');
    expect(Buffer.from(await reading).toString()).toBe('abcdef');
    expect(budget.usedBytes).toBe(6);
  },
);
