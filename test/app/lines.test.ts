import t from 'tap';
import type { Line } from '../../src/app/line.js';
import { createLines, type LinesDeps } from '../../src/app/lines.js';
import type { ConnectionConfig } from '../../src/config/connection.js';
import { createLogger } from '../../src/log.js';
import { until } from '../support/until.js';

const one = new Map([['city', { config: { id: 'city' } as ConnectionConfig, revision: '1' }]]);
const none: typeof one = new Map();

/** Lines that do nothing; to forget the things of a connection takes until the test says so. */
const setScene = () => {
  const series = new Set<string>();
  const forgotten: (() => void)[] = [];
  const line = { apply: () => Promise.resolve(), stop: () => Promise.resolve(), things: { forget: () => new Promise<void>((resolve) => forgotten.push(resolve)) } };
  const family = {
    add: (id: string) => !series.has(id) && series.add(id).has(id),
    remove: (id: string) => series.delete(id),
  };
  const deps = { family, outbox: { pending: () => ({ messages: 0, bytes: 0 }) }, metrics: { uplinks: { restored: () => undefined } }, clearBacklog: () => Promise.resolve(), logger: createLogger('fatal'), note: () => undefined };
  return { series, forgotten, lines: createLines(deps as unknown as LinesDeps, () => line as unknown as Line) };
};

void t.test('the metrics of a deleted connection go', async (t) => {
  const { lines, series, forgotten } = setScene();
  lines.apply(one, new Set());
  t.same([...series], ['city']);
  lines.apply(none, new Set());
  await until('its things are being forgotten', () => forgotten.length === 1);
  forgotten[0]?.();
  await until('its metrics are gone', () => series.size === 0);
});

void t.test('a connection that is made again while the old one is cleared up keeps its metrics', async (t) => {
  const { lines, series, forgotten } = setScene();
  lines.apply(one, new Set());
  lines.apply(none, new Set());
  await until('its things are being forgotten', () => forgotten.length === 1);
  lines.apply(one, new Set());
  forgotten[0]?.();
  await lines.stop({ remaining: () => 5_000 });
  t.same([...series], ['city']);
});
