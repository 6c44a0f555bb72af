import type { EarlyReport, EarlyReports, SubmittedDownlink } from '../../downlink/ports.js';
import { deviceKeyOf } from './keys.js';
import { earlyScript, forgetEarlyScript, keepEarlyScript } from './memory-scripts.js';
import type { RedisLink } from './redis-link.js';

/** How long a report waits for the answer of its attempt, ms: no pause of a process that is to be survived is longer. */
const keptMs = 3_600_000;
/** Most reports that are kept for one downlink: of other applications there may be any number. */
const bound = 16;

/** An id as it stands in the text of a record, whose ids are compared without regard to case. */
const asWritten = (id: string): string => JSON.stringify(id).toLowerCase();

/** Reports that came before the answer of their attempt was noted, in Redis. Everything throws BridgeError store_unavailable. */
export const createRedisEarlyReports = (link: RedisLink, reportWindowMs: number): EarlyReports => ({
  async keep(report, ids) {
    const texts = (await link.call(keepEarlyScript, deviceKeyOf(report.fields.deviceId), JSON.stringify(report), Math.min(keptMs, reportWindowMs), bound, ...ids.map(asWritten))) as string[];
    return texts.map((text) => JSON.parse(text) as SubmittedDownlink);
  },
  async of(downlinkId) {
    const texts = (await link.call(earlyScript, downlinkId)) as string[];
    return texts.map((text) => JSON.parse(text) as EarlyReport);
  },
  async forget(downlinkId, reports) {
    await link.call(forgetEarlyScript, downlinkId, ...reports.map((report) => JSON.stringify(report)));
  },
});
