/** The dashboard, the alerts and the page about them: every metric that they name is served. */
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { get, openEngine, serveStore } from './support/test-service.js';

const FOLDER = new URL('../../docs/observability/', import.meta.url);
const METRIC = /\b(?:hotshard|process|nodejs)_[a-z][a-z_]+[a-z]\b/g;
/** Names of series that a histogram has besides its own. */
const SERIES_OF_HISTOGRAM = /_(?:bucket|sum|count)$/;

const served = new Map<string, string>();
const labels = new Map<string, Set<string>>();

beforeAll(async () => {
  const service = await serveStore(await openEngine());
  const text = (await get(service.port, '/metrics')).body.toString();
  for (const [, name = '', type = ''] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    served.set(name, type);
  }
  for (const [, name = '', list = ''] of text.matchAll(/^([a-z_]+)\{(.*)\} /gm)) {
    const known = labels.get(name) ?? new Set();
    for (const [, label = ''] of list.matchAll(/([a-z_]+)="/g)) known.add(label);
    labels.set(name, known);
  }
});

function metricsOf(text: string): string[] {
  return [...new Set(text.match(METRIC))].map((name) => {
    const family = name.replace(SERIES_OF_HISTOGRAM, '');
    return served.get(family) === 'histogram' ? family : name;
  });
}

/** Labels that queries match on, by metric. */
function matchersOf(text: string): (readonly [metric: string, label: string])[] {
  return [...text.matchAll(/\b(hotshard_[a-z_]+)\{([^}]*)\}/g)].flatMap(([, metric = '', list]) =>
    [...(list ?? '').matchAll(/([a-z_]+)\s*[=!]/g)].map(
      ([, label = '']) => [metric, label] as const,
    ),
  );
}

/** What Prometheus adds to all that it scrapes. */
const ADDED_LABELS: readonly string[] = ['job', 'instance'];

describe.each(['grafana-dashboard.json', 'prometheus-alerts.yml', 'README.md'])('%s', (file) => {
  test('names no metric that is not served', async () => {
    const names = metricsOf(await readFile(new URL(file, FOLDER), 'utf8'));
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !served.has(name))).toEqual([]);
  });

  test('matches on no label that the metric has not', async () => {
    const text = (await readFile(new URL(file, FOLDER), 'utf8')).replaceAll('\\"', '"');
    const wrong = matchersOf(text).filter(([metric, label]) => {
      return !ADDED_LABELS.includes(label) && labels.get(metric)?.has(label) !== true;
    });
    // Size classes have pages only once something is stored.
    expect(wrong.filter(([metric]) => metric !== 'hotshard_size_class_memory_bytes')).toEqual([]);
  });
});

test('the page has every metric of our own', async () => {
  const page = await readFile(new URL('README.md', FOLDER), 'utf8');
  const own = [...served.keys()].filter((name) => name.startsWith('hotshard_'));
  expect(own.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('the dashboard asks something in every panel, each with a place of its own', async () => {
  const text = await readFile(new URL('grafana-dashboard.json', FOLDER), 'utf8');
  const { panels } = JSON.parse(text) as {
    panels: { id: number; targets: { expr: string }[]; gridPos: { x: number; y: number } }[];
  };
  expect(panels.length).toBeGreaterThan(10);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  expect(new Set(panels.map(({ gridPos: { x, y } }) => `${x},${y}`)).size).toBe(panels.length);
  for (const { targets } of panels) {
    expect(targets.length).toBeGreaterThan(0);
    for (const { expr } of targets) expect(expr).toMatch(/hotshard_|process_|nodejs_/);
  }
});

test('the alerts are those that operators need, each with a sentence', async () => {
  const text = await readFile(new URL('prometheus-alerts.yml', FOLDER), 'utf8');
  const rules = text.split('- alert: ').slice(1);
  for (const rule of rules) {
    expect(rule).toMatch(/^\w+\n/);
    for (const part of ['expr:', 'for:', 'severity:', 'summary:', 'description:']) {
      expect(rule).toContain(part);
    }
  }
  expect(text).toContain('< 0.7');
  expect(text).toContain('> 0.1');
  const page = await readFile(new URL('README.md', FOLDER), 'utf8');
  const names = rules.map((rule) => rule.split('\n', 1)[0] ?? '');
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
