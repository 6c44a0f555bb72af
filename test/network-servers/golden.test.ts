import t from 'tap';
import type { NetworkServerKind } from '../../src/messages/message.js';
import { networkServerAdapters } from '../../src/network-servers/registry.js';
import { outcomeAsExpected, readFixtures, runAdapter, type Expected } from '../support/golden.js';

const kinds = Object.keys(networkServerAdapters) as NetworkServerKind[];

const verdictOf = ({ messages, error }: Expected) => ({ ...(messages === undefined ? {} : { messages }), ...(error === undefined ? {} : { error }) });

for (const kind of kinds) {
  const adapter = networkServerAdapters[kind];
  const { fixtures, unpaired } = readFixtures(kind);

  void t.test(`${kind}: every fixture has its expected file and the other way round`, async (t) => {
    t.strictSame(unpaired, []);
    t.not(fixtures.length, 0, 'there are fixtures of this kind');
    t.equal(adapter.kind, kind);
  });

  for (const { name, request, expected } of fixtures) {
    void t.test(`${kind}/${name}`, async (t) => {
      t.ok((expected.messages === undefined) !== (expected.error === undefined), 'expects either messages or an error');
      const outcome = runAdapter(adapter, request, expected.settings);
      t.strictSame(outcomeAsExpected(outcome, expected), verdictOf(expected));
      if ('error' in outcome) t.equal(outcome.error.row.retry, 'never', 'a body that cannot be read is never worth another try');
    });
  }
}
