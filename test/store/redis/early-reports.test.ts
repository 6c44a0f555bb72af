import t from 'tap';
import type { EarlyReport, EarlyReports, SubmittedDownlinks } from '../../../src/downlink/ports.js';
import type { DownlinkStatusFields } from '../../../src/messages/message.js';
import { addAll, downlinkId, newDownlink, newSubmitted } from '../../contracts/downlink-store-samples.js';
import { rejectsWith } from '../../contracts/downlink-store-opened.js';
import { until } from '../../support/until.js';
import { clientFor, openStore, redisFor } from './open-store.js';

const reportOf = (id: string, fields: Partial<DownlinkStatusFields> = {}): EarlyReport => ({ networkServerId: 'factory', fields: { type: 'downlink-status', deviceId: 'd', state: 'sent', correlationIds: [id], ...fields } });

const earlyOf = ({ early }: SubmittedDownlinks): EarlyReports => {
  if (early === undefined) throw new Error('the store keeps no early reports');
  return early;
};

void t.test('a report is kept for the downlink whose turn it is, and another replica finds it', async (t) => {
  const redis = await redisFor(t);
  const [one, other] = [await openStore(t, redis.url), await openStore(t, redis.url)];
  const early = earlyOf(one.submitted);
  await addAll(one, [newDownlink('head', 'd'), newDownlink('next', 'd'), newDownlink('x', 'e')]);
  const [sent, acknowledged] = [reportOf('é "1"', { cause: { text: '«»' } }), reportOf('é "1"', { state: 'acknowledged' })];
  for (const report of [sent, acknowledged, sent]) t.same(await early.keep(report, ['é "1"']), []);
  t.strictSame(await earlyOf(other.submitted).of(downlinkId('head')), [acknowledged, sent], 'the same one once');
  for (const name of ['next', 'x']) t.same(await early.of(downlinkId(name)), []);
  await earlyOf(other.submitted).forget(downlinkId('head'), [sent, reportOf('never kept')]);
  t.strictSame(await early.of(downlinkId('head')), [acknowledged]);
  await other.submitted.remove('d', downlinkId('head'));
  t.same(await early.of(downlinkId('head')), [], 'it goes with the downlink');
});

void t.test('of a device without downlinks nothing is kept', async (t) => {
  const redis = await redisFor(t);
  const { submitted } = await openStore(t, redis.url);
  await submitted.put(newSubmitted(newDownlink('x', 'e')));
  t.same(await earlyOf(submitted).keep(reportOf('1'), ['1']), []);
  t.same(await clientFor(t, redis.url).keys('*:early:*'), []);
});

void t.test('a report that a record names is not kept: the record is given', async (t) => {
  const redis = await redisFor(t);
  const { submitted } = await openStore(t, redis.url);
  const [a, b] = [newSubmitted(newDownlink('a', 'd'), { ids: ['Item-1', 'é "1"'] }), newSubmitted(newDownlink('b', 'd'), { ids: ['item-10'] })];
  for (const one of [a, b]) await submitted.put(one);
  const early = earlyOf(submitted);
  t.strictSame(await early.keep(reportOf('ITEM-1'), ['12', 'ITEM-1']), [a]);
  t.strictSame(await early.keep(reportOf('é "1"'), ['é "1"']), [a]);
  for (const name of ['a', 'b']) t.same(await early.of(downlinkId(name)), []);
});

void t.test('it is kept too for what was submitted already: a replica that was paused may have posted it before', async (t) => {
  const redis = await redisFor(t);
  const { submitted } = await openStore(t, redis.url);
  await submitted.put(newSubmitted(newDownlink('a', 'd'), { ids: ['of the second attempt'] }));
  const early = earlyOf(submitted);
  t.same(await early.keep(reportOf('of the first'), ['of the first']), []);
  t.strictSame(await early.of(downlinkId('a')), [reportOf('of the first')]);
});

void t.test('at most sixteen are kept for a downlink, and for an hour', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url);
  const early = earlyOf(store.submitted);
  await addAll(store, [newDownlink('head', 'd')]);
  for (let index = 0; index < 20; index += 1) await early.keep(reportOf(`${index}`), [`${index}`]);
  t.same((await early.of(downlinkId('head'))).map(({ fields }) => fields.correlationIds?.[0]), Array.from({ length: 16 }, (_, index) => `${index + 4}`));
  const left = await clientFor(t, redis.url).pttl(`{lpwan-bridge}:early:${downlinkId('head')}`);
  t.ok(left > 3_540_000 && left <= 3_600_000, `${left} ms`);
});

void t.test('while Redis is away everything fails', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url, {}, { watchMs: 100 });
  await redis.kill();
  await until('it is noticed', () => store.problem() !== undefined);
  const early = earlyOf(store.submitted);
  for (const call of [early.keep(reportOf('1'), ['1']), early.of('a'), early.forget('a', [reportOf('1')])]) await rejectsWith(t, call, 'store_unavailable');
});
