import t from 'tap';
import { createRoom } from '../../../src/store/redis/room.js';

void t.test('so many come in at once, who waits longest first', async (t) => {
  const room = createRoom(2);
  t.same([await room.enter(1), await room.enter(1)], [true, true]);
  const came: string[] = [];
  const waiting = ['a', 'b'].map((name) => room.enter(60_000).then((isIn) => { if (isIn) came.push(name); }));
  room.leave();
  await waiting[0];
  t.same(came, ['a']);
  room.leave();
  await waiting[1];
  t.same(came, ['a', 'b']);
});

void t.test('who has waited long enough goes away, and takes no room', async (t) => {
  const room = createRoom(1);
  await room.enter(1);
  t.equal(await room.enter(1), false);
  room.leave();
  t.equal(await room.enter(1), true);
});

void t.test('who pushes in counts', async (t) => {
  const room = createRoom(1);
  room.push();
  t.equal(await room.enter(1), false);
  room.push();
  room.leave();
  t.equal(await room.enter(1), false, 'two were inside');
  room.leave();
  t.equal(await room.enter(1), true);
});
