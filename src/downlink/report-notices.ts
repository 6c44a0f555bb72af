import { reasons, type Reason } from '../errors.js';
import { finalStates, type DownlinkCause } from '../messages/downlink.js';
import type { DownlinkQueue, Notice, SubmittedDownlinks } from './ports.js';
import type { Reporter } from './report-status.js';

export interface NoticesOptions {
  readonly queue: Pick<DownlinkQueue, 'forget'>;
  readonly submitted: Pick<SubmittedDownlinks, 'remove'>;
  readonly reporter: Pick<Reporter, 'publish'>;
  /** Says why, where more is known than the store says. */
  readonly explain?: (notice: Notice) => DownlinkCause | undefined;
}

/** Reports what the store did by itself. A notice is forgotten only after its status is durable, so what fails comes again. @throws BridgeError the first failure */
export type ReportNotices = (notices: readonly Notice[]) => Promise<void>;

/** A downlink that left the queue without being submitted: nothing can be reported about it any more. A mailbox's one just went out. */
const isOver = ({ state }: Notice): boolean => finalStates.has(state);

const attemptOf = ({ state }: Notice): { readonly attempt?: number } => (state === 'submitted' ? { attempt: 1 } : {});

const isReason = (code: string): code is Reason => Object.hasOwn(reasons, code);

/** The store names the reason; a person gets its title, too. */
const worded = ({ code, text }: DownlinkCause): DownlinkCause => ({
  ...(code === undefined ? {} : { code }),
  ...(text !== undefined ? { text } : code !== undefined && isReason(code) ? { text: reasons[code].title } : {}),
});

export const createReportNotices = ({ queue, submitted, reporter, explain }: NoticesOptions): ReportNotices => {
  const report = async (notice: Notice): Promise<void> => {
    const { downlink, state } = notice;
    const cause = explain?.(notice) ?? notice.cause;
    await reporter.publish({ downlink, state, ...attemptOf(notice), ...(cause === undefined ? {} : { cause: worded(cause) }) });
    if (isOver(notice)) await submitted.remove(downlink.deviceId, downlink.id);
  };

  return async (notices) => {
    if (notices.length === 0) return;
    const results = await Promise.allSettled(notices.map(report));
    await queue.forget(notices.filter((_, index) => results[index]?.status === 'fulfilled'));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  };
};
