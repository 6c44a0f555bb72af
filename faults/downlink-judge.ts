import { correlationIdOf, judgeDownlinks, sentOf } from '../test/end-to-end/support/downlinks.js';
import type { Arrival } from '../test/end-to-end/support/network-server.js';

/** How a downlink is expected to end where a row does not expect it to reach its device. */
export type OtherEnd = 'failed' | 'unfinished';

/** What became of the numbered downlinks. */
export interface DownlinkTally {
  /** Those that AWS took from the application. */
  readonly sent: number;
  /** With exactly one final state. */
  readonly final: number;
  /** Without one, as the row expects. */
  readonly unfinished: number;
  /** Their final state is `failed`, `expired` or `rejected`. */
  readonly failed: number;
  /** Their network server never had them, and no final state says so. */
  readonly lost: number;
  /** Submissions that a network server took beyond the first of a downlink. */
  readonly twice: number;
  /** First submissions that came after one of their device that was sent later. */
  readonly outOfOrder: number;
  /** What is not as expected, in words. */
  readonly wrong: readonly string[];
}

/** States after which nothing follows for a downlink that asks for no acknowledgement and whose network server reports what was sent. */
const finalStates: ReadonlySet<string> = new Set(['sent', 'acknowledged', 'failed', 'expired', 'rejected']);
const arrivedStates: ReadonlySet<string> = new Set(['sent', 'acknowledged']);

/** The different final states among what was reported; there must be one. */
export const finalsOf = (states: readonly string[]): readonly string[] => [...new Set(states.filter((state) => finalStates.has(state)))];

export interface Evidence {
  /** Correlation ids, in the order in which they are to come. */
  readonly sent: readonly string[];
  readonly expected: ReadonlyMap<string, OtherEnd>;
  readonly states: (correlationId: string) => readonly string[];
  /** Of all network servers, each one's in the order in which they came. */
  readonly taken: readonly Arrival[];
}

const idOf = ({ devEui, payload = '' }: Arrival): string => correlationIdOf(devEui, Number.parseInt(payload, 16));

const some = (ids: readonly string[], what: string, states: Evidence['states']): readonly string[] => {
  const [first] = ids;
  return first === undefined ? [] : [`${ids.length} downlinks ${what}, such as ${first} (${states(first).join(', ')})`];
};

/** Holds what was sent against what the network servers took and what the statuses say. */
export const judgeSent = ({ sent, expected, states, taken }: Evidence): DownlinkTally => {
  const had = new Set(taken.map(idOf));
  const finals = new Map(sent.map((id) => [id, finalsOf(states(id))]));
  const of = (id: string): readonly string[] => finals.get(id) ?? [];
  const unfinished = sent.filter((id) => of(id).length === 0);
  const failed = new Set(sent.filter((id) => of(id).some((state) => !arrivedStates.has(state))));
  const wrong = [
    ...some(unfinished.filter((id) => expected.get(id) !== 'unfinished'), 'have no final state', states),
    ...some(sent.filter((id) => of(id).length > 1), 'have more than one final state', states),
    ...some([...failed].filter((id) => expected.get(id) !== 'failed'), 'failed', states),
    ...some([...failed].filter((id) => had.has(id)), 'failed although the network server has them', states),
    ...some([...expected].flatMap(([id, end]) => (end === 'failed' && !failed.has(id) ? [id] : [])), 'did not fail', states),
    ...some([...had].filter((id) => !finals.has(id)), 'came that nobody sent', states),
  ];
  const { outOfOrder, again } = judgeDownlinks(sentOf(sent), taken);
  const lost = sent.filter((id) => !had.has(id) && !failed.has(id) && expected.get(id) !== 'unfinished').length;
  return { sent: sent.length, final: sent.filter((id) => of(id).length === 1).length, unfinished: unfinished.length, failed: failed.size, lost, twice: again, outOfOrder, wrong };
};

/** Longest time from the publish to the first submission that was taken, of the given downlinks, ms; until now of those not taken. */
export const slowestMs = (ids: readonly string[], sentAt: ReadonlyMap<string, number>, taken: readonly Arrival[]): number => {
  const first = new Map<string, number>();
  for (const arrival of taken) if (!first.has(idOf(arrival))) first.set(idOf(arrival), arrival.at);
  return Math.max(0, ...ids.map((id) => (first.get(id) ?? performance.now()) - (sentAt.get(id) ?? 0)));
};
