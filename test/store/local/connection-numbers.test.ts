import t from 'tap';
import { openTables } from '../../../src/store/local/environment.js';
import { newAppend, newParkedAppend, readAll, topicsOf } from '../../contracts/outbox-samples.js';
import { testDir } from '../../support/test-dir.js';
import { until } from '../../support/until.js';
import { openOutbox } from './open-outbox.js';

/** Names of connections that are on disk. */
const namesIn = async (dataDir: string): Promise<string[]> => {
  const { root, tables } = openTables(`${dataDir}/outbox`, true);
  const keys = [...tables.meta.getKeys({})].map((key) => key.toString());
  await root.close();
  return keys.filter((key) => key.startsWith('connection:')).map((key) => key.slice('connection:'.length));
};

void t.test('connections that have nothing left leave nothing on disk, and their numbers are used again', async (t) => {
  const dataDir = testDir(t);
  for (let round = 0; round < 4; round += 1) {
    const outbox = await openOutbox(t, dataDir);
    await until('old names are gone', async () => (await namesIn(dataDir)).every((name) => name === 'kept' || name === 'parked'));
    if (round === 0) await outbox.append([newAppend('k', { connectionId: 'kept' }), newParkedAppend('p', { reason: 'topic_invalid', detail: '' }, { connectionId: 'parked' })]);
    const ids = Array.from({ length: 50 }, (_, index) => `gone-${round}-${index}`);
    await outbox.append(ids.map((connectionId) => newAppend(connectionId, { connectionId })));
    t.equal((await namesIn(dataDir)).length, 52);
    for (const id of ids) await outbox.settle((await readAll(outbox, id)).map((record) => ({ outcome: 'delivered', record })));
    t.same(topicsOf(await readAll(outbox, 'kept')), ['k']);
    t.same(topicsOf(await outbox.parked({ connectionId: 'parked' }, { after: -1, limit: 10 })), ['p']);
    await outbox.close();
  }
});
