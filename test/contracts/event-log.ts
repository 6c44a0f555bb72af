import type { Test } from 'tap';
import type { EventLog, Page } from '../../src/api/ports.js';
import type { BridgeEvent, EventSubject } from '../../src/messages/bridge-event.js';
import { closeResources, openedResources, type NewResourcesPlace } from './resource-store.js';
import { until } from '../support/until.js';

const main: EventSubject = { kind: 'connection', id: 'main' };
const sameName: EventSubject = { kind: 'network-server', id: 'main' };

const newEvent = (text: string, more: Partial<BridgeEvent> = {}): BridgeEvent => ({ subject: main, time: 1_000, level: 'info', text, ...more });

const all = async (log: EventLog, subject: EventSubject | undefined): Promise<Page<BridgeEvent & { readonly id: string }>> => log.events(subject, { limit: 100_000 });
const texts = async (log: EventLog, subject: EventSubject | undefined): Promise<string[]> => (await all(log, subject)).entries.map(({ text }) => text);
const without = ({ id: _, ...event }: BridgeEvent & { readonly id: string }): BridgeEvent => event;

/** What every adapter of `EventLog` must do. The opener is that of `resource-store.ts`. */
export const eventLogContract = async (t: Test, newPlace: NewResourcesPlace): Promise<void> => {
  await t.test('events are told newest first, of one subject or of all, also after a restart', async (t) => {
    const place = await newPlace(t);
    const first = await openedResources(t, place);
    t.strictSame(await first.events.events(main, { limit: 10 }), { entries: [] });
    const rich = newEvent('uplink skipped', { level: 'warning', reason: 'thing_missing', detail: '«é» 温度', deviceId: 'd', messageId: 'm', downlinkId: 'l', time: 1_234 });
    const other = newEvent('state OPENED', { subject: sameName });
    const bridge = newEvent('started', { subject: { kind: 'bridge', id: 'bridge' } });
    for (const event of [rich, other, newEvent('state CLOSED', { level: 'error' }), bridge]) first.events.note(event);
    await until('all are written', async () => (await texts(first.events, undefined)).length === 4);
    t.same(await texts(first.events, undefined), ['started', 'state CLOSED', 'state OPENED', 'uplink skipped']);
    t.same(await texts(first.events, main), ['state CLOSED', 'uplink skipped']);
    t.same(await texts(first.events, sameName), ['state OPENED'], 'a network server may have the id of a connection');
    t.same(await texts(first.events, { kind: 'connection', id: 'nobody' }), []);
    first.events.note(newEvent('written by close'));
    await closeResources(first);
    const { events } = await openedResources(t, place);
    t.same(await texts(events, main), ['written by close', 'state CLOSED', 'uplink skipped']);
    const page = await all(events, undefined);
    t.strictSame(without(page.entries[4] ?? { ...rich, id: '' }), rich);
    t.equal(new Set(page.entries.map(({ id }) => id)).size, 5, 'ids of their own');
  });
  await t.test('events are told page by page', async (t) => {
    const { events } = await openedResources(t, await newPlace(t));
    for (let index = 0; index < 25; index += 1) events.note(newEvent(`n${index}`, { subject: index % 5 === 4 ? sameName : main }));
    await until('all are written', async () => (await texts(events, undefined)).length === 25);
    for (const [subject, count] of [[main, 20], [sameName, 5], [undefined, 25]] as const) {
      const found: string[] = [];
      let after: string | undefined;
      do {
        const page: Page<BridgeEvent> = await events.events(subject, { limit: 4, ...(after === undefined ? {} : { after }) });
        found.push(...page.entries.map(({ text }) => text));
        after = page.next;
      } while (after !== undefined);
      t.same(found, await texts(events, subject));
      t.equal(found.length, count);
    }
    const page = await events.events(main, { limit: 5 });
    events.note(newEvent('while somebody pages'));
    await until('it is written', async () => (await texts(events, undefined)).length === 26);
    t.same((await events.events(main, { limit: 5, after: page.next ?? '' })).entries.map(({ text }) => text), ['n17', 'n16', 'n15', 'n13', 'n12'], 'new ones move no page');
  });
  await t.test('at least the last 200 of each subject are kept, and not all for ever', async (t) => {
    const place = await newPlace(t);
    const first = await openedResources(t, place);
    first.events.note(newEvent('quiet', { subject: sameName }));
    for (let index = 0; index < 3_000; index += 1) {
      first.events.note(newEvent(`n${index}`));
      if (index % 500 === 499) await until('they are written', async () => (await texts(first.events, main))[0] === `n${index}`);
    }
    await closeResources(first);
    const { events } = await openedResources(t, place);
    const kept = await texts(events, main);
    t.ok(kept.length >= 200 && kept.length <= 1_000, `${kept.length} are kept`);
    t.same(kept.slice(0, 200), Array.from({ length: 200 }, (_, index) => `n${2_999 - index}`));
    t.same(await texts(events, sameName), ['quiet'], 'a noisy subject takes nobody else away');
  });
  await t.test('a storm of one event is left out but for some of it, and others are not', async (t) => {
    const { events } = await openedResources(t, await newPlace(t));
    const storm = (count: number): void => {
      for (let index = 0; index < count; index += 1) events.note(newEvent('uplink skipped', { reason: 'thing_missing', deviceId: `d${index}` }));
    };
    storm(5_000);
    events.note(newEvent('uplink skipped', { reason: 'thing_foreign' }));
    events.note(newEvent('uplink skipped', { reason: 'thing_missing', subject: sameName }));
    events.note(newEvent('state CLOSED'));
    await until('the others are written', async () => (await texts(events, main)).includes('state CLOSED') && (await texts(events, sameName)).length === 1);
    const found = (await all(events, main)).entries;
    const ofStorm = found.filter(({ reason, deviceId }) => reason === 'thing_missing' && deviceId !== undefined);
    t.ok(ofStorm.length >= 1 && ofStorm.length <= 100, `${ofStorm.length} of 5,000`);
    t.equal(found.filter(({ reason }) => reason === 'thing_foreign').length, 1, 'another reason is another event');
    await until('the count of what was left out is told', async () => (await all(events, main)).entries.some(({ reason, detail }) => reason === 'thing_missing' && detail?.includes('left out') === true));
  });
  await t.test('notes after close do no harm', async (t) => {
    const opened = await openedResources(t, await newPlace(t));
    await closeResources(opened);
    opened.events.note(newEvent('too late'));
    await closeResources(opened);
    t.pass('closing twice does no harm either');
  });
};
