import t from 'tap';
import { createUnreadDevices } from '../../src/uplink/unread-devices.js';

const ids = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => `70b3d57ed0${(from + index).toString(16).padStart(6, '0')}`);

void t.test('before it is known every device may have some, and again after it was forgotten', async (t) => {
  const unread = createUnreadDevices();
  t.equal(unread.mayHave('a'), true);
  unread.add('a');
  t.equal(unread.mayHave('b'), true);
  unread.complete();
  t.same([unread.mayHave('a'), unread.mayHave('b')], [true, false]);
  unread.begin();
  t.equal(unread.mayHave('a'), false);
  unread.forget();
  t.equal(unread.mayHave('b'), true);
});

void t.test('a device has some until as many are removed as were added', async (t) => {
  const unread = createUnreadDevices();
  unread.begin();
  for (const id of ['a', 'a', 'b']) unread.add(id);
  unread.remove('a');
  t.equal(unread.mayHave('a'), true);
  unread.remove('a');
  t.equal(unread.mayHave('a'), false);
  t.equal(unread.mayHave('b'), true);
});

void t.test('of 10,000 devices with a backlog each is known, and few others are taken for one of them', async (t) => {
  const unread = createUnreadDevices();
  unread.begin();
  for (const id of ids(10_000)) unread.add(id);
  t.ok(ids(10_000).every((id) => unread.mayHave(id)));
  const mistaken = ids(10_000, 1_000_000).filter((id) => unread.mayHave(id)).length;
  t.ok(mistaken < 1_500, `${mistaken} of 10,000`);
  for (const id of ids(10_000)) unread.remove(id);
  t.notOk(ids(10_000).some((id) => unread.mayHave(id)));
});

void t.test('a place that was full once stays taken until everything is read', async (t) => {
  const unread = createUnreadDevices();
  unread.begin();
  for (let count = 0; count < 70_000; count += 1) unread.add('a');
  for (let count = 0; count < 70_000; count += 1) unread.remove('a');
  t.equal(unread.mayHave('a'), true, 'the count is not known any more');
  unread.begin();
  t.equal(unread.mayHave('a'), false);
});
