import t from 'tap';
import { createKnownRecords, type KnownRecords } from '../../../../src/store/local/downlinks/known-records.js';
import { newDevice } from '../../../contracts/downlink-store-samples.js';

const idOf = (index: number): string => `70b3d57ed0${index.toString(16).padStart(6, '0')}`;
const recordOf = (index: number) => newDevice(idOf(index), { address: { devEui: idOf(index) } });

const knownOf = (known: KnownRecords, from: number, to: number): number => {
  let count = 0;
  for (let index = from; index < to; index += 1) if (known.has(recordOf(index))) count += 1;
  return count;
};

void t.test('a record is known from when it is added until its device is deleted', async (t) => {
  const known = createKnownRecords(100);
  t.equal(known.has(newDevice('d')), false);
  known.add(newDevice('d'));
  t.equal(known.has(newDevice('d')), true);
  t.equal(known.has(newDevice('e')), false);
  known.delete('e');
  t.equal(known.has(newDevice('d')), true, 'another one was deleted');
  known.delete('d');
  known.delete('d');
  t.equal(known.has(newDevice('d')), false);
});

void t.test('whatever differs in a record, it is not the known one', async (t) => {
  const known = createKnownRecords(100);
  const record = newDevice('d', { networkServerId: 'city', connectionIds: ['a', 'b'], address: { device_id: 'pump', application_id: 'site' } });
  known.add(record);
  t.equal(known.has({ ...record, connectionIds: [...record.connectionIds], address: { ...record.address } }), true, 'an equal one is');
  const others = [
    { networkServerId: 'town' },
    { connectionIds: [] },
    { connectionIds: ['a'] },
    { connectionIds: ['b', 'a'] },
    { connectionIds: ['ab'] },
    { connectionIds: ['a', 'b', ''] },
    { address: {} },
    { address: { device_id: 'pump', application_id: 'other' } },
    { address: { device_id: 'pump', application: 'site' } },
    { address: { device_id: 'pumps', application_id: 'ite' } },
    { address: { device_id: 'pump', application_id: 'site', tenant: '' } },
  ];
  for (const other of others) t.equal(known.has({ ...record, ...other }), false, JSON.stringify(other));
});

void t.test('of each device only the record that was added last is known', async (t) => {
  const known = createKnownRecords(100);
  const one = newDevice('d', { networkServerId: 'city' });
  const other = newDevice('d', { networkServerId: 'town' });
  known.add(one);
  known.add(other);
  t.same([known.has(one), known.has(other)], [false, true]);
  known.add(one);
  t.same([known.has(one), known.has(other)], [true, false]);
});

void t.test('while there is room hardly any is forgotten: only where a group is full, one in a hundred', async (t) => {
  const known = createKnownRecords(100_000);
  for (let index = 0; index < 100_000; index += 1) known.add(recordOf(index));
  const kept = knownOf(known, 0, 100_000);
  t.ok(kept > 98_000, `${kept} of 100,000`);
  t.equal(knownOf(known, 100_000, 200_000), 0);
  for (let index = 0; index < 50_000; index += 1) known.delete(idOf(index));
  t.equal(knownOf(known, 0, 50_000), 0);
  t.ok(knownOf(known, 50_000, 100_000) > 48_500, 'the others stay');
});

void t.test('of more than there is room for some are forgotten, never the one that came last', async (t) => {
  const known = createKnownRecords(1_000);
  const missing: number[] = [];
  for (let index = 0; index < 20_000; index += 1) {
    known.add(recordOf(index));
    if (!known.has(recordOf(index))) missing.push(index);
  }
  t.same(missing, []);
  const kept = knownOf(known, 0, 20_000);
  t.ok(kept >= 1_000 && kept <= 4_000, `${kept} of 20,000`);
});
