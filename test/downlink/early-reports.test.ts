import t, { type Test } from 'tap';
import type { SubmittedDownlinks } from '../../src/downlink/ports.js';
import { createSubmission, type Submission } from '../../src/downlink/submit-downlink.js';
import { createTracker, type TrackedMessage } from '../../src/downlink/track-status.js';
import { createUnderWay } from '../../src/downlink/under-way.js';
import { deadlineIn } from '../../src/lifecycle.js';
import type { Downlink, SubmitOutcome } from '../../src/messages/downlink.js';
import type { DownlinkStatusFields } from '../../src/messages/message.js';
import { gate, newDownlink } from '../contracts/downlink-store-samples.js';
import { until } from '../support/until.js';
import { openDownlinkRoom, type DownlinkRoom } from './support/downlink-room.js';
import { createTestEarlyReports, type TestEarlyReports } from './support/test-early-reports.js';
import { accepted, createTestTarget, type TestTarget } from './support/test-target.js';

const device = '24e124c3b1a70042';

interface Scene extends DownlinkRoom {
  readonly early: TestEarlyReports;
  readonly submission: Submission;
  /** The store as both replicas have it. */
  readonly submitted: SubmittedDownlinks;
  /** Submits one whose answer is awaited; the network server has it. */
  post(changes?: Partial<Downlink>): Promise<Downlink>;
  /** The replica that posted it gets the answer; resolves when its status is stored. */
  answered(): Promise<void>;
  /** Reports to the other replica, and gives what it publishes. */
  report(...reports: readonly Partial<DownlinkStatusFields>[]): Promise<readonly TrackedMessage[]>;
}

const reportOf = (fields: Partial<DownlinkStatusFields>): TrackedMessage & { readonly fields: DownlinkStatusFields } => ({ fields: { type: 'downlink-status', deviceId: device, state: 'sent', ...fields } });

const submissionOf = (t: Test, room: DownlinkRoom, submitted: SubmittedDownlinks): Submission => {
  const submission = createSubmission({ ...room, queue: room.store.queue, devices: room.store.devices, submitted, statuses: room.outlet, ratePerSecond: () => 10_000 });
  t.teardown(() => submission.close(deadlineIn(2_000)));
  return submission;
};

const emptied = ({ store }: DownlinkRoom): Promise<void> => until('the queue is empty', async () => (await store.queue.totals('main')).waiting === 0);

const setScene = async (t: Test, target: TestTarget = createTestTarget('ns')): Promise<Scene> => {
  const room = await openDownlinkRoom(t, { targets: [target, createTestTarget('elsewhere')] });
  const early = createTestEarlyReports(room.store.submitted);
  const submitted = { ...room.store.submitted, early };
  const submission = submissionOf(t, room, submitted);
  submission.start();
  const tracker = (id: string) => createTracker({ ...room, submitted, underWay: createUnderWay() }).resolve.bind(undefined, { id, kind: 'chirpstack' });
  const answer = gate<SubmitOutcome>();
  target.answer(() => answer.opened);
  const scene: Scene = {
    ...room,
    early,
    submission,
    submitted,
    async post(changes) {
      const downlink = newDownlink('a', device, { networkServer: { id: 'ns', kind: 'chirpstack' }, ...changes });
      early.turn = downlink.id;
      await room.store.queue.add(downlink, { delivery: 'submit', windowMs: 60_000, capacity: 10 });
      await until('the network server has it', () => target.arrived.length === 1);
      return downlink;
    },
    async answered() {
      answer.open(accepted('item-1'));
      await emptied(room);
    },
    async report(...reports) {
      const resolved = await tracker('ns')(reports.map(reportOf));
      await resolved.settled();
      return resolved.incoming;
    },
  };
  return scene;
};

const txack = { event: 'txack', correlationIds: ['ITEM-1'], fCnt: 3, time: '2026-11-21T16:02:11.120Z' };
const ack = { event: 'ack', state: 'acknowledged', correlationIds: ['item-1'] } as const;
const states = ({ outlet }: Scene): readonly string[] => outlet.states('a');

void t.test('a report that came to another replica before the answer was noted is told behind it', async (t) => {
  const scene = await setScene(t);
  const downlink = await scene.post({ connectionId: 'main', fPort: 7 });
  t.same(await scene.report(txack), [reportOf(txack)], 'published as it is');
  t.same(states(scene), []);
  await scene.answered();
  t.same(states(scene), ['submitted', 'sent']);
  t.match(scene.outlet.published[1], { connectionId: 'main', networkServer: { id: 'ns' }, fields: { ...txack, state: 'sent', downlinkId: downlink.id, correlationId: 'a', attempt: 1, fPort: 7, deviceId: device } });
  t.same(scene.lives.steps('a'), ['submitted 1', 'sent 1']);
  t.same(await scene.submitted.of(device), [], 'it is over');
  t.equal(await scene.metric('downlinks_total', { connection: 'main', state: 'sent' }), 1);
  t.equal(await scene.metric('downlink_reports_total', { network_server: 'ns', matched: 'yes' }), 1);
  t.equal(scene.early.count(), 0);
});

void t.test('a report that is posted again ends nothing twice', async (t) => {
  const scene = await setScene(t);
  await scene.post();
  await scene.report(txack);
  await scene.report(txack);
  t.equal(scene.early.count(), 1);
  await scene.answered();
  t.same(await scene.report(txack), [reportOf(txack)], 'what is over is not matched');
  t.same(states(scene), ['submitted', 'sent']);
  t.same(scene.lives.steps('a'), ['submitted 1', 'sent 1']);
  t.equal(await scene.metric('downlinks_total', { connection: 'main', state: 'sent' }), 1);
});

void t.test('several are told in their order, up to the final state', async (t) => {
  const scene = await setScene(t);
  await scene.post({ confirmed: true });
  await scene.report({ ...txack, state: 'queued', event: 'log' }, txack);
  await scene.report({ ...ack, state: 'failed', cause: { code: 'NACK', text: 'no acknowledgement' } });
  await scene.answered();
  t.same(states(scene), ['submitted', 'sent', 'failed']);
  t.match(scene.outlet.find('a', 'failed'), { event: 'ack', cause: { code: 'NACK', text: 'no acknowledgement' } });
  t.same(await scene.submitted.of(device), []);
});

void t.test('of a confirmed one that was sent the acknowledgement is awaited', async (t) => {
  const scene = await setScene(t);
  await scene.post({ confirmed: true });
  await scene.report(txack);
  await scene.answered();
  t.match(await scene.submitted.of(device), [{ state: 'sent', ids: ['item-1'] }]);
  t.equal(scene.early.count(), 0);
  t.match(await scene.report(ack), [{ connectionId: 'main', fields: { correlationId: 'a', state: 'acknowledged' } }]);
  t.same(await scene.submitted.of(device), []);
});

void t.test('reports of other network servers, with other ids or without any are not told', async (t) => {
  const scene = await setScene(t);
  await scene.post();
  await scene.report({ ...txack, correlationIds: ['item-2'] }, { state: 'failed', event: 'log' });
  await scene.early.keep({ networkServerId: 'elsewhere', fields: reportOf(txack).fields }, ['item-1']);
  t.equal(scene.early.count(), 2, 'without an id nothing is kept');
  await scene.answered();
  t.same(states(scene), ['submitted']);
  t.match(await scene.submitted.of(device), [{ state: 'submitted' }]);
  t.equal(await scene.metric('downlink_reports_total', { network_server: 'ns', matched: 'yes' }), 0);
});

void t.test('a report is matched at once when the answer is noted while it is being looked for', async (t) => {
  const scene = await setScene(t);
  await scene.post();
  await scene.answered();
  const stale: SubmittedDownlinks = { ...scene.submitted, of: async () => [] };
  const tracker = createTracker({ ...scene, submitted: stale, underWay: createUnderWay() });
  const { incoming } = await tracker.resolve({ id: 'ns', kind: 'chirpstack' }, [reportOf({ correlationIds: ['item-1'] })]);
  t.match(incoming, [{ fields: { correlationId: 'a', state: 'sent' } }]);
  t.equal(scene.early.count(), 0);
  const elsewhere = await tracker.resolve({ id: 'elsewhere', kind: 'chirpstack' }, [reportOf({ correlationIds: ['item-1'] })]);
  t.notOk((elsewhere.incoming[0]?.fields as DownlinkStatusFields).downlinkId, 'not that of another network server');
});

void t.test('what a stopping process cannot tell any more is told by who goes on', async (t) => {
  const scene = await setScene(t);
  await scene.post();
  await scene.report(txack);
  const { outlet } = scene;
  const publish = outlet.publish.bind(outlet);
  outlet.publish = async (status) => {
    if (status.fields.state === 'sent') outlet.full = true;
    await publish(status);
  };
  const closing = scene.answered().catch(() => undefined);
  await until('the outbox refuses it', () => outlet.counts.refused > 0);
  await scene.submission.close(deadlineIn(100));
  t.same(states(scene), ['submitted']);
  t.equal(scene.early.count(), 1);
  Object.assign(outlet, { publish, full: false });
  submissionOf(t, scene, scene.submitted).start();
  await closing;
  t.same(states(scene), ['submitted', 'sent']);
  t.equal(scene.early.count(), 0);
});

void t.test('while the store is away nothing is kept, and what is kept already is told later', async (t) => {
  const scene = await setScene(t);
  await scene.post();
  await scene.report(txack);
  scene.early.away = true;
  t.same(await scene.report(ack, ack), [reportOf(ack), reportOf(ack)]);
  t.equal(scene.lines.filter((line) => line.includes('cannot be matched')).length, 1);
  await scene.answered();
  t.same(states(scene), ['submitted'], 'the queue goes on');
  scene.early.away = false;
  await until('it is told', () => states(scene).length === 2);
  t.same(states(scene), ['submitted', 'sent']);
});

void t.test('where no report is expected none is looked for', async (t) => {
  const scene = await setScene(t, createTestTarget('ns', 'chirpstack', { reportsAfter: () => false }));
  await scene.post();
  await scene.report(txack);
  await scene.answered();
  t.same(states(scene), ['submitted']);
});
