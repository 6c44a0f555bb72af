import type { EarlyReport, EarlyReports, SubmittedDownlinks } from '../../../src/downlink/ports.js';
import { BridgeError } from '../../../src/errors.js';

export interface TestEarlyReports extends EarlyReports {
  /** The downlink whose turn it is in the store that all share. */
  turn: string;
  away: boolean;
  /** Reports that are kept, of all downlinks. */
  count(): number;
}

/** The early reports of a store that several processes share, beside a store of one process. */
export const createTestEarlyReports = (submitted: SubmittedDownlinks): TestEarlyReports => {
  const kept = new Map<string, readonly EarlyReport[]>();
  const textOf = (report: EarlyReport): string => JSON.stringify(report);
  const here = (): void => {
    if (early.away) throw new BridgeError('store_unavailable');
  };
  const early: TestEarlyReports = {
    turn: '',
    away: false,
    count: () => [...kept.values()].flat().length,
    async keep(report, ids) {
      here();
      const named = (await submitted.of(report.fields.deviceId)).filter((one) => one.ids.some((id) => ids.includes(id)));
      const others = (kept.get(early.turn) ?? []).filter((one) => textOf(one) !== textOf(report));
      if (named.length === 0) kept.set(early.turn, [...others, report]);
      return named;
    },
    async of(downlinkId) {
      here();
      return kept.get(downlinkId) ?? [];
    },
    async forget(downlinkId, reports) {
      here();
      const gone = new Set(reports.map(textOf));
      kept.set(downlinkId, (kept.get(downlinkId) ?? []).filter((one) => !gone.has(textOf(one))));
    },
  };
  return early;
};
