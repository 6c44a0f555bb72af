import type { Test } from 'tap';
import { newAppend, openedOutbox, readAll, topicsOf, type NewPlace } from './outbox-samples.js';

/** Texts whose length in characters says little about their length in bytes, or as JSON. */
const texts = ['plain', 'Zürich 温度 🌡', 'quote " backslash \\ line \n', 'separator \u2028', 'half a pair \ud83c', ''];

/** What a message was counted with is what is taken off when it is settled, however it is told. */
export const sizesContract = async (t: Test, newPlace: NewPlace): Promise<void> => {
  for (const told of ['as it was appended', 'as it was read'] as const) {
    await t.test(`a message is taken off the totals with the bytes it was counted with, told ${told}`, async (t) => {
      const outbox = await openedOutbox(t, await newPlace(t));
      await outbox.append([newAppend('stays')]);
      const before = outbox.pending('main');
      for (const [index, text] of texts.entries()) {
        const [result] = await outbox.append([newAppend(`one ${index}`, { topic: text, deviceId: `device ${text}`, networkServerId: text, payload: Buffer.from(text) })]);
        t.ok(outbox.pending('main').bytes > before.bytes);
        const read = (await readAll(outbox)).at(-1);
        const appended = result?.state === 'stored' ? result.records[0] : undefined;
        if (read === undefined || appended === undefined) throw new Error('it was appended');
        await outbox.settle([{ outcome: 'delivered', record: told === 'as it was read' ? read : appended }]);
        t.strictSame(outbox.pending('main'), before, `text ${index}`);
        await outbox.settle([{ outcome: 'delivered', record: read }]);
        t.strictSame(outbox.pending('main'), before, 'settled once more');
      }
    });
  }
  await t.test('devices that come several times in a batch, in one connection or in two, are counted each', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const ofDevice = (name: string, index: number) => newAppend(name, { deviceId: index < 4 ? 'often' : name, connectionId: index === 3 ? 'other' : 'main' });
    await outbox.append(names.map(ofDevice));
    t.equal(outbox.pending('main').messages, 5);
    const [first, ...rest] = await readAll(outbox);
    if (first === undefined) throw new Error('five were appended');
    await outbox.settle([{ outcome: 'delivered', record: first }]);
    await outbox.append([newAppend('g', { deviceId: 'often' })]);
    await outbox.settle([...rest, ...(await readAll(outbox, 'other'))].map((record) => ({ outcome: 'delivered', record })));
    t.same(topicsOf(await readAll(outbox)), ['g']);
    t.strictSame(outbox.pending('other'), { messages: 0, bytes: 0 });
    t.equal(outbox.pending('main').messages, 1);
  });
};
