import { finalStates } from '../messages/downlink.js';
import type { DownlinkState, DownlinkStatusFields } from '../messages/message.js';
import type { DownlinkTarget, SubmittedDownlink, SubmittedDownlinks } from './ports.js';

/** A downlink that reports are about, and how far they brought it. */
export interface Followed {
  readonly before: SubmittedDownlink;
  readonly state: DownlinkState;
  /** More may come although the state is final. */
  readonly mayFollow: boolean;
}

/** The Things Stack tries again by itself as often as it is set up to, and a downlink_nack need not say whether it will. */
const mayTryAgain = ({ event }: DownlinkStatusFields): boolean => event === 'downlink_nack';

export const followReport = (before: SubmittedDownlink, state: DownlinkState, fields: DownlinkStatusFields): Followed => ({ before, state, mayFollow: finalStates.has(state) && mayTryAgain(fields) });

/** Remembers how far a downlink got. @throws BridgeError store_unavailable */
export type SettleFollowed = (followed: Followed) => Promise<void>;

export interface SettleFollowedOptions {
  readonly submitted: Pick<SubmittedDownlinks, 'put' | 'remove'>;
  /** Read at each report: network servers come and go. */
  readonly targets: ReadonlyMap<string, Pick<DownlinkTarget, 'reportsAfter'>>;
}

export const createSettleFollowed = ({ submitted, targets }: SettleFollowedOptions): SettleFollowed => {
  const isOver = ({ before, state, mayFollow }: Followed): boolean => {
    if (finalStates.has(state)) return !mayFollow;
    const target = targets.get(before.downlink.networkServer.id);
    return (state === 'submitted' || state === 'sent') && target?.reportsAfter(state, before.downlink) === false;
  };

  return async (followed) => {
    const { before, state, mayFollow } = followed;
    // An attempt whose answer is still awaited learns from the record that the network server has it.
    if (isOver(followed) && before.state !== 'queued') return submitted.remove(before.downlink.deviceId, before.downlink.id);
    if (state !== before.state && !mayFollow) await submitted.put({ ...before, state });
  };
};
