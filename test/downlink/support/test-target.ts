import { fieldError } from '../../../src/errors.js';
import type { DownlinkTarget } from '../../../src/downlink/ports.js';
import type { DeviceAddress, Downlink, SubmitOutcome } from '../../../src/messages/downlink.js';
import type { NetworkServerKind } from '../../../src/messages/message.js';

/** What arrived at a target. */
export interface Arrived {
  readonly downlink: Downlink;
  readonly address: DeviceAddress;
  /** By the monotonic clock, ms. */
  readonly at: number;
}

export interface TestTarget extends DownlinkTarget {
  readonly arrived: readonly Arrived[];
  /** Correlation ids in the order of arrival; only of one device when one is given. */
  names(deviceId?: string): string[];
  /** What it answers from now on. */
  answer(how: (downlink: Downlink) => SubmitOutcome | Promise<SubmitOutcome>): void;
}

export const accepted = (...ids: string[]): SubmitOutcome => ({ kind: 'accepted', ids });
export const busy = (changes: object = {}): SubmitOutcome => ({ kind: 'later', reason: 'network_server_busy', cause: { code: '503', text: 'out of service' }, scope: 'network-server', counts: true, ...changes });
export const refusal: SubmitOutcome = { kind: 'never', reason: 'network_server_refused', cause: { code: '404', text: 'no such device' } };
export const silence: SubmitOutcome = { kind: 'unknown', reason: 'network_server_timeout', cause: { text: 'no answer within 10 s' } };
export const unauthorised: SubmitOutcome = { kind: 'later', reason: 'network_server_unauthorised', cause: { code: '401', text: 'wrong key' }, scope: 'network-server', counts: false };

/** How each kind names and reports downlinks, as their real clients do. */
const habits: Record<NetworkServerKind, Pick<DownlinkTarget, 'delivery' | 'idsOf' | 'reportsAfter'>> = {
  thingpark: { delivery: 'submit', idsOf: ({ id }) => [id.slice(0, 16).toUpperCase()], reportsAfter: (state) => state === 'submitted' },
  'the-things-stack': { delivery: 'submit', idsOf: ({ id }) => [`lpwan-bridge:${id}`], reportsAfter: (state, { confirmed }) => state === 'submitted' || confirmed },
  chirpstack: { delivery: 'submit', idsOf: () => [], reportsAfter: (state, { confirmed }) => state === 'submitted' || confirmed },
  sigfox: { delivery: 'mailbox', idsOf: () => [], reportsAfter: () => true },
};

const checkPayload = (kind: NetworkServerKind, { payload, object }: Downlink): void => {
  if (kind === 'sigfox' && (payload === undefined || payload.length !== 16)) throw fieldError('payload', 'must be exactly 8 bytes');
  if (kind === 'thingpark' && object !== undefined) throw fieldError('payload', 'must be bytes');
};

/** A network server as downlinks see it, which answers as the test says: at first it takes everything. */
export const createTestTarget = (id: string, kind: NetworkServerKind = 'chirpstack', changes: Partial<DownlinkTarget> = {}): TestTarget => {
  const arrived: Arrived[] = [];
  let decide: (downlink: Downlink) => SubmitOutcome | Promise<SubmitOutcome> = ({ id: one }) => accepted(`queue-item-${one}`);
  const submit = async (downlink: Downlink, address: DeviceAddress): Promise<SubmitOutcome> => {
    arrived.push({ downlink, address, at: performance.now() });
    return decide(downlink);
  };
  return {
    id,
    kind,
    newestWins: true,
    maxAttempts: 5,
    backoff: { minMs: 20, maxMs: 100 },
    onUnknown: 'retry',
    check: (downlink) => checkPayload(kind, downlink),
    ...habits[kind],
    ...(kind === 'sigfox' ? {} : { submit }),
    ...changes,
    arrived,
    names: (deviceId) => arrived.filter(({ downlink }) => deviceId === undefined || downlink.deviceId === deviceId).map(({ downlink }) => downlink.correlationId ?? ''),
    answer: (how) => {
      decide = how;
    },
  };
};
