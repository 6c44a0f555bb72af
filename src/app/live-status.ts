import type { ConnectionLive, LiveError, LiveStatus, NetworkServerLive } from '../api/resources/live-status.js';
import type { EventLog } from '../api/ports.js';
import { syncThings } from '../aws/things/sync-things.js';
import { registryOf } from '../config/connection-things.js';
import type { BridgeConfig } from '../config/schema.js';
import type { Devices, DownlinkTarget } from '../downlink/ports.js';
import { BridgeError, type Reason } from '../errors.js';
import type { Outbox, ThingMemory } from '../uplink/ports.js';
import { checkConnection } from './check-connection.js';
import { shownState } from './connection-state.js';
import type { FailingNetworkServer } from '../downlink/network-server-state.js';
import type { Line } from './line.js';
import { scopedMemory } from './line-things.js';
import { policiesOf } from './policies.js';
import { registryParts, scopeOf } from './registry-options.js';

export interface LiveStatusSources {
  readonly bridge: BridgeConfig;
  readonly line: (id: string) => Line | undefined;
  readonly outbox: Pick<Outbox, 'pending'>;
  readonly devices: Pick<Devices, 'list'>;
  readonly things: ThingMemory;
  readonly events: Pick<EventLog, 'events'>;
  readonly targets: ReadonlyMap<string, DownlinkTarget>;
  readonly failing: () => readonly FailingNetworkServer[];
  readonly lastMessageAt: (networkServerId: string) => number | undefined;
}

const timed = (trouble: { readonly reason: Reason; readonly detail?: string; readonly since: number } | undefined): { readonly failing?: LiveError } => {
  if (trouble === undefined) return {};
  const { since, ...rest } = trouble;
  return { failing: { ...rest, time: since } };
};

const shownError = ({ lastError }: { readonly lastError?: LiveError }): { readonly lastError?: LiveError } => (lastError === undefined ? {} : { lastError });

const downlinksOf = (line: Line): Pick<ConnectionLive, 'downlinks'> => {
  const status = line.downlinks();
  return status === undefined ? {} : { downlinks: { state: shownState(true, status.state), since: status.since, ...shownError(status) } };
};

const thingsOf = (line: Line): Pick<ConnectionLive, 'things'> => {
  const status = line.things.status();
  return status === undefined ? {} : { things: { pending: status.pending, ...timed(status.failing) } };
};

const connectionLive = (line: Line, pending: ConnectionLive['pending']): ConnectionLive => {
  const status = line.aws();
  const startupTime = (status?.connects ?? 0) > 0 ? line.startedAt() : undefined;
  return {
    state: shownState(line.config.active || status !== undefined, status?.state),
    since: status?.since ?? line.changedAt(),
    ...(startupTime === undefined ? {} : { startupTime }),
    ...shownError(status ?? {}),
    pending,
    sessions: status?.sessions ?? 0,
    inFlight: status?.inFlight ?? 0,
    connects: status?.connects ?? 0,
    ...downlinksOf(line),
    ...thingsOf(line),
  };
};

/** Devices of a connection, page by page. */
const devicesOf = async function* (devices: Pick<Devices, 'list'>, connectionId: string): AsyncIterable<{ readonly deviceId: string }> {
  for (let after: string | undefined; ; ) {
    const page = await devices.list({ connectionId }, { limit: 500, ...(after === undefined ? {} : { after }) });
    yield* page.devices;
    if (page.next === undefined) return;
    after = page.next;
  }
};

/** Most differences in one answer. */
const mostDifferences = 1_000;

const sync = async ({ devices, things }: LiveStatusSources, line: Line, apply: boolean): ReturnType<LiveStatus['syncThings']> => {
  const configured = registryOf(line.config.configuration);
  if (configured === undefined) throw new BridgeError('aws_credentials_missing', { detail: 'the connection has no AWS credentials, so it registers no devices' });
  const differences: Awaited<ReturnType<LiveStatus['syncThings']>>['things'][number][] = [];
  const counts = await syncThings({
    connectionId: line.id,
    ...registryParts(configured),
    devices: devicesOf(devices, line.id),
    memory: scopedMemory(things, scopeOf(configured)),
    apply,
    onDifference({ thingName = '', state, result, ...rest }) {
      if (differences.length < mostDifferences) differences.push({ thingName, state: result ?? state, ...rest });
    },
  });
  return { applied: apply, counts, things: differences };
};

/** What runs, as the routes of the resources show it. */
export const createLiveStatus = (sources: LiveStatusSources): LiveStatus => {
  const networkServer = (id: string): NetworkServerLive | undefined => {
    const target = sources.targets.get(id);
    if (target === undefined) return undefined;
    const lastMessageAt = sources.lastMessageAt(id);
    const failing = sources.failing().find(({ networkServerId }) => networkServerId === id);
    const error = failing === undefined ? {} : { lastError: { reason: failing.reason, time: failing.since, ...(failing.detail === undefined ? {} : { detail: failing.detail }) } };
    return { ...(lastMessageAt === undefined ? {} : { lastMessageAt }), ...(target.submit === undefined ? {} : { downlinks: { state: failing === undefined ? 'ok' : 'failing', ...error } }) };
  };

  return {
    connection(id) {
      const line = sources.line(id);
      return line === undefined ? undefined : connectionLive(line, sources.outbox.pending(id));
    },
    networkServer,
    check: async (config, signal) => (await checkConnection(config, signal)).steps,
    policy: (config) => policiesOf(config, sources.bridge),
    syncThings(id, { apply }) {
      const line = sources.line(id);
      if (line === undefined) return Promise.reject(new BridgeError('unknown_resource', { detail: `the connection ${id} does not run` }));
      return sync(sources, line, apply);
    },
    events: (subject, page) => sources.events.events(subject, page),
  };
};
