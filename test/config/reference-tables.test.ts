import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { reasons } from '../../src/errors.js';
import { readmeSections, withSections } from '../support/readme-sections.js';
import { errorsTable, metricsTable } from '../support/reference-tables.js';

void t.test('the tables of README.md are the ones that the code gives (npm run docs)', async (t) => {
  if (!existsSync('README.md')) return t.comment('README.md does not exist yet');
  const readme = readFileSync('README.md', 'utf8');
  t.equal(withSections(readme, await readmeSections()), readme);
});

void t.test('only what stands between the markers is replaced', async (t) => {
  const text = 'above\n<!-- errors:start -->\nold\n<!-- errors:end -->\nbelow\n';
  const sections = new Map([['errors', 'new $& text'], ['metrics', 'absent']]);
  t.equal(withSections(text, sections), 'above\n<!-- errors:start -->\nnew $& text\n<!-- errors:end -->\nbelow\n');
});

void t.test('every reason and every metric has a row', async (t) => {
  const rows = errorsTable().split('\n').slice(2);
  t.same(rows.map((row) => /^\| `([a-z_]+)`/.exec(row)?.[1]), Object.keys(reasons));
  const metrics = await metricsTable();
  t.match(metrics, '| `lpwan_bridge_outbox_parked_total` | counter | `connection`, `reason` |');
  t.match(metrics, '| `lpwan_bridge_accept_seconds` | histogram | `network_server` |');
  t.match(metrics, '| `lpwan_bridge_sessions_open` | gauge | `connection` |');
  for (const row of metrics.split('\n').slice(2)) t.match(row, /^\| `lpwan_bridge_\w+` \| (counter|gauge|histogram) \| (`.+`|–) \| .+\. \|$/, row);
});
