import type { TestBridge } from '../test/end-to-end/support/bridge.js';
import type { TestBroker } from '../test/end-to-end/support/broker.js';
import { correlationIdOf, deviceOf, numberedDownlinks } from '../test/end-to-end/support/downlinks.js';
import { at } from '../test/end-to-end/support/load.js';
import type { Arrival, NetworkServer } from '../test/end-to-end/support/network-server.js';
import type { Received } from '../test/end-to-end/support/received.js';
import { report, reportsOf } from '../test/end-to-end/support/reports.js';
import { createStatusLog, type StatusLog } from '../test/end-to-end/support/status-log.js';
import { finalsOf, judgeSent, slowestMs, type DownlinkTally, type OtherEnd } from './downlink-judge.js';
import type { StageServers } from './downlink-servers.js';
import type { Checks } from './stage-checks.js';

export interface DownlinkLoad {
  /** The network server whose devices get them. */
  readonly to: string;
  /** Default: those that were heard. */
  readonly devices?: number;
  readonly count: number;
  /** Absent: as fast as AWS takes them. */
  readonly perSecond?: number;
}

/** The numbered downlinks of a row, named by their correlation ids. */
export interface Downlinks {
  readonly server: (id: string) => NetworkServer;
  /** Makes a network server that the options keep out of the file. */
  readonly make: (id: string) => Promise<void>;
  /** Waits until every bridge is subscribed, and lets so many devices of the network servers (default: all) be heard, so that their downlinks know the way. */
  readonly hear: (devices: number, ids?: readonly string[]) => Promise<void>;
  /** Publishes numbered downlinks round the devices as an application at AWS does. Resolves when AWS has them. */
  readonly send: (load: DownlinkLoad) => Promise<readonly string[]>;
  /** Waits until the bridge has said of each that it is queued. */
  readonly stored: (ids: readonly string[]) => Promise<void>;
  /** Waits for the final state of each; notes a failure when it does not come in time. */
  readonly ended: (ids: readonly string[], boundMs?: number) => Promise<boolean>;
  readonly hasEnded: (id: string) => boolean;
  /** These are not to reach their device. */
  readonly expect: (end: OtherEnd, ids: readonly string[]) => void;
  /**
   * Their order is that in which the bridge took them from AWS, not that of sending: while it cannot take any, AWS keeps them in its session,
   * and later sends what is new before what it kept.
   */
  readonly orderAsQueued: () => void;
  /** Everything sent so far that is to end. */
  readonly toEnd: () => readonly string[];
  /** Longest time from the publish to the network server, ms. */
  readonly slowestMs: (ids: readonly string[]) => number;
  /** What AWS was told about them. */
  readonly statuses: StatusLog;
  readonly tally: () => DownlinkTally;
}

export interface DownlinksOptions {
  readonly broker: TestBroker;
  readonly servers: StageServers;
  readonly checks: Checks;
  /** Those that are to run. */
  readonly standing: () => readonly TestBridge[];
}

const endBoundMs = 90_000;

const isSubscribed = async (bridge: TestBridge): Promise<boolean> => !/"downlinks of connection/.test((await bridge.private('/health')).body);

export const createDownlinks = ({ broker, servers, checks, standing }: DownlinksOptions): Downlinks => {
  const statuses = createStatusLog(broker.received);
  const sent: string[] = [];
  const sentAt = new Map<string, number>();
  const expected = new Map<string, OtherEnd>();
  const next = new Map<string, number>();
  const heard = new Map<string, number>();
  let lastCounter = 0;
  let asQueued = false;

  /** The devices of one network server begin with two digits of their own. */
  const familyOf = (id: string): string => (0xd0 + servers.all.indexOf(servers.server(id))).toString(16);
  const first = (): TestBridge => {
    const [bridge] = standing();
    if (bridge === undefined) throw new Error('no bridge runs');
    return bridge;
  };
  const hasEnded = (id: string): boolean => finalsOf(statuses.states(id)).length > 0;
  const taken = (): readonly Arrival[] => servers.all.flatMap((server) => server.taken());

  return {
    server: servers.server,
    statuses,
    async make(id) {
      const { status, body } = await first().api('POST', '/network-servers', servers.entry(id));
      if (status !== 201) throw new Error(`network server ${id} was not made: ${status} ${body}`);
    },
    async hear(devices, ids = servers.all.map(({ id }) => id)) {
      for (const bridge of standing()) await checks.eventually('the subscription', () => isSubscribed(bridge));
      for (const id of ids) {
        heard.set(id, devices);
        for (let index = 0; index < devices; index += 1) await report(first(), id, reportsOf[servers.server(id).api].uplink(deviceOf(index, familyOf(id)), (lastCounter += 1)));
      }
    },
    async send({ to, devices = heard.get(to) ?? 1, count, perSecond }) {
      const from = next.get(to) ?? 0;
      next.set(to, from + Math.ceil(count / devices));
      const start = performance.now();
      const { messages } = numberedDownlinks({ devices, count, from, family: familyOf(to) });
      const publish = async (message: Received, index: number): Promise<string> => {
        const id = correlationIdOf(deviceOf(index % devices, familyOf(to)), from + Math.floor(index / devices));
        sentAt.set(id, performance.now());
        await broker.publish([message]);
        sent.push(id);
        return id;
      };
      const published: Promise<string>[] = [];
      for (const [index, message] of messages.entries()) {
        if (perSecond !== undefined) await at(start + (index * 1_000) / perSecond);
        published.push(publish(message, index));
      }
      return Promise.all(published);
    },
    stored: (ids) => statuses.untilAll(ids, 'queued'),
    ended: (ids, boundMs = endBoundMs) => {
      let left = ids;
      return checks.eventually(`the final states of ${ids.length} downlinks`, () => (left = left.filter((id) => !hasEnded(id))).length === 0, boundMs);
    },
    hasEnded,
    expect: (end, ids) => ids.forEach((id) => expected.set(id, end)),
    toEnd: () => sent.filter((id) => expected.get(id) !== 'unfinished'),
    slowestMs: (ids) => slowestMs(ids, sentAt, taken()),
    orderAsQueued: () => void (asQueued = true),
    tally: () => judgeSent({ sent: asQueued ? [...new Set([...statuses.queued().filter((id) => sentAt.has(id)), ...sent])] : sent, expected, states: (id) => statuses.states(id), taken: taken() }),
  };
};
