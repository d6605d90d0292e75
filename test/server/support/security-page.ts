import { BAD_REQUESTS, type BadRequest } from './bad-requests.js';

const BEGIN = '<!-- generated from the tests of bad requests: begin -->';
const END = '<!-- generated from the tests of bad requests: end -->';
const LOSES_GOOD = ' †';

/** What `docs/SECURITY.md` says of each bad request and transport, out of what the tests expect. */
function renderTable(): string {
  const rows = new Map<string, { entry: string; names: string[]; answers: string }>();
  for (const request of BAD_REQUESTS) {
    const { entry, name } = request;
    const answers = `${describe(request, 'node')} | ${describe(request, 'uws')}`;
    const [start = '', quoted] = name.split(/(?<!^)(?=`)(.*)/s);
    const key = quoted === undefined ? name : [entry, start, answers].join('|');
    const row = rows.get(key);
    if (row === undefined) rows.set(key, { entry, names: [name], answers });
    else row.names.push(quoted ?? name);
  }
  return [
    '| entry | request | node:http | uWebSockets.js |',
    '|---|---|---|---|',
    ...[...rows.values()].map(({ entry, names, answers }) => {
      return `| ${entry} | ${names.join(' ')} | ${answers} |`;
    }),
  ].join('\n');
}

function describe({ answer, losesGood }: BadRequest, kind: 'node' | 'uws'): string {
  const text = answer[kind] === 'closed' ? 'no answer, closed after ten seconds' : answer[kind];
  const [status, rest] = text.split(' closed', 2);
  const words = rest === '' ? `${status}, closed` : text;
  return `${words}${kind === 'uws' && losesGood ? LOSES_GOOD : ''}`;
}

/** The page with its generated part renewed; everything around it stays. */
export function renewPage(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin) throw new Error('the page has lost its markers');
  return `${page.slice(0, begin)}${BEGIN}\n${renderTable()}\n${page.slice(end)}`;
}
