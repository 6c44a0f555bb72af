import { readdirSync } from 'node:fs';
import t from 'tap';
import { runRow, type Outcome } from '../../../faults/row.js';
import { rows } from '../../../faults/rows.js';

/** Over how many test files the rows are spread, so that they run side by side. */
const parts = 6;

const count = (number: number, what: string): string => `${number} ${what}`;

const figuresOf = ({ sent, delivered, duplicates, remarks, downlinks }: Outcome): string =>
  [count(sent, 'sent'), count(delivered, 'delivered'), ...(downlinks === undefined ? [] : [count(downlinks.sent, 'downlinks')]), ...(duplicates === 0 ? [] : [count(duplicates, 'twice')]), ...remarks].join(', ');

/** Runs the short form of every sixth row of the fault suite, from the given one (1 … 6) on. */
export const expectQuickRows = (part: number): void => {
  void t.test('every row is in one part', async (t) => {
    const files = readdirSync('test/faults').filter((name) => /^quick-rows-\d+\.test\.ts$/.test(name));
    t.strictSame(files.sort(), Array.from({ length: parts }, (_, index) => `quick-rows-${index + 1}.test.ts`));
    t.ok(rows.length >= parts, 'each part has a row');
  });
  for (const row of rows.filter((_, index) => index % parts === part - 1)) {
    void t.test(`${row.name}: ${row.fault}`, async (t) => {
      const outcome = await runRow(row, 'quick');
      t.comment(figuresOf(outcome));
      t.strictSame(outcome.failures, [], `${row.name}: ${outcome.failures.join('; ') || 'nothing failed'}`);
      t.ok(outcome.passed, `${row.name} passed`);
    });
  }
};
