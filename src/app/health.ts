import { X509Certificate } from 'node:crypto';
import type { Health } from '../api/private-listener.js';
import type { FailedResource } from '../api/resources/effective.js';
import type { ConnectionConfig } from '../config/connection.js';
import type { FailingNetworkServer } from '../downlink/network-server-state.js';
import type { StoreProblem } from '../downlink/ports.js';
import type { Reason } from '../errors.js';
import { given } from '../given.js';
import type { Outbox } from '../uplink/ports.js';
import { shownState } from './connection-state.js';
import type { Line } from './line.js';

/** Everything that health is made of. */
export interface HealthSources {
  readonly slot: string;
  /** With an outbox that replicas share: how many there are, and the slots of dead ones that are being taken over here. */
  readonly replicas: number | undefined;
  readonly orphans: readonly string[] | undefined;
  readonly outbox: Pick<Outbox, 'unwritable' | 'pending'> & { waiting(): readonly string[] };
  readonly lines: () => Iterable<Line>;
  /** What keeps the downlinks: the data directory or Redis. */
  readonly downlinks: { readonly component: string; readonly problem: () => StoreProblem | undefined };
  readonly failing: () => readonly FailingNetworkServer[];
  readonly unusable: () => readonly FailedResource[];
}

type Problem = Health['problems'][number];

/** A certificate is worth a line in health this many days before it ends. */
const certificateWarningDays = 30;

/** Ends of certificates, epoch ms: every scrape asks for all of them, and to read one takes long. */
const certificateEnds = new WeakMap<ConnectionConfig, number>();

const certificateEnd = (config: ConnectionConfig, pem: string): number => {
  const known = certificateEnds.get(config);
  if (known !== undefined) return known;
  const end = Date.parse(new X509Certificate(pem).validTo);
  certificateEnds.set(config, end);
  return end;
};

/** Days until the client certificate ends; undefined for a connection without one. */
export const certificateDays = (config: ConnectionConfig): number | undefined => {
  const { certificate } = config.configuration;
  return certificate === undefined ? undefined : (certificateEnd(config, certificate) - Date.now()) / 86_400_000;
};

const isoTime = (ms: number): string => new Date(ms).toISOString();

const problem = (component: string, { reason, since, detail }: { readonly reason?: Reason; readonly since: number; readonly detail?: string }, otherwise: Reason): Problem => ({
  component,
  reason: reason ?? otherwise,
  since: isoTime(since),
  ...(detail === undefined ? {} : { detail }),
});

const certificateProblems = (component: string, config: ConnectionConfig): Problem[] => {
  const days = certificateDays(config);
  if (days === undefined || days >= certificateWarningDays) return [];
  return [{ component, reason: 'certificate_refused', detail: days < 0 ? 'the client certificate has expired' : `the client certificate expires in ${Math.floor(days)} days` }];
};

const activeProblems = (line: Line, component: string): Problem[] => {
  const status = line.aws();
  const downlinks = line.downlinks();
  const held = line.heldSince();
  const things = line.things.status()?.failing;
  return [
    ...(status === undefined || status.state === 'opened' ? [] : [problem(component, status, 'session_lost')]),
    ...(held === undefined ? [] : [{ component, reason: 'connection_held', since: isoTime(held) } as const]),
    ...(downlinks === undefined || downlinks.state === 'opened' ? [] : [problem(`downlinks of ${component}`, downlinks, 'session_lost')]),
    ...(things === undefined ? [] : [problem(`things of ${component}`, things, 'registry_refused')]),
  ];
};

const lineProblems = (line: Line): Problem[] => {
  const component = `connection ${line.id}`;
  const alarms = line.alarms.raised().map(({ alarm, since }) => problem(component, { since, detail: alarm.message }, 'low_message_rate'));
  return [...(line.config.active ? activeProblems(line, component) : []), ...certificateProblems(component, line.config), ...alarms];
};

const storeProblems = ({ outbox, downlinks }: HealthSources): Problem[] => {
  const unwritable = outbox.unwritable();
  const store = downlinks.problem();
  return [...(unwritable === undefined ? [] : [{ component: 'outbox', reason: unwritable }]), ...(store === undefined ? [] : [problem(downlinks.component, store, 'store_unavailable')])];
};

/** Messages of a connection that was taken out of the file, or whose deletion was cut short: they wait until it is declared again. */
const orphanProblems = ({ outbox, unusable }: HealthSources, lines: readonly Line[]): Problem[] => {
  const known = new Set([...lines.map(({ id }) => id), ...unusable().map(({ id }) => id)]);
  return outbox.waiting().flatMap((id) => (known.has(id) ? [] : [{ component: `outbox of connection ${id}`, reason: 'connection_deleted', detail: `${outbox.pending(id).messages} messages wait for a connection that is not configured` } as const]));
};

const unusableProblem = ({ kind, id, reason, problems }: FailedResource): Problem => ({ component: `${kind} ${id}`, reason, detail: problems.map(({ path, message }) => `${path} ${message}`).join('; ') });

const connectionHealth = (line: Line, { outbox }: HealthSources): Readonly<Record<string, unknown>> => {
  const { id, config } = line;
  const { state, ...status } = line.aws() ?? { state: undefined };
  const downlinks = line.downlinks();
  return { id, active: config.active, state: shownState(config.active || state !== undefined, state), ...status, pending: outbox.pending(id), ...(downlinks === undefined ? {} : { downlinks: { ...downlinks, state: shownState(true, downlinks.state) } }) };
};

/** Names everything that is not as it should be. */
export const healthOf = (sources: HealthSources): Health => {
  const lines = [...sources.lines()];
  const failing = sources.failing().map((one) => problem(`network server ${one.networkServerId}`, one, 'network_server_unreachable'));
  const none: Problem[] = lines.length === 0 ? [{ component: 'connections', reason: 'no_connection' }] : [];
  const problems = [...storeProblems(sources), ...none, ...orphanProblems(sources, lines), ...sources.unusable().map(unusableProblem), ...lines.flatMap(lineProblems), ...failing];
  return { status: problems.length === 0 ? 'ok' : 'degraded', problems, slot: sources.slot, ...given({ replicas: sources.replicas, takingOver: sources.orphans }), connections: lines.map((line) => connectionHealth(line, sources)) };
};
