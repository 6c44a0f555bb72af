import { setTimeout as pause } from 'node:timers/promises';
import type { SubmittedDownlink, SubmittedDownlinks } from '../../downlink/ports.js';
import { deviceKeyOf } from './keys.js';
import { putScript, recallScript, removeScript } from './memory-scripts.js';
import { createRedisEarlyReports } from './redis-early-reports.js';
import type { RedisLink } from './redis-link.js';

/** How often it is asked whether a submission is over, ms. */
const askEveryMs = 50;

/** What was submitted, kept in Redis for the report window. Everything throws BridgeError store_unavailable. */
export const createRedisSubmitted = (link: RedisLink, tag: string, reportWindowMs: number): SubmittedDownlinks => ({
  early: createRedisEarlyReports(link, reportWindowMs),
  async put(submitted) {
    await link.call(putScript, deviceKeyOf(submitted.downlink.deviceId), submitted.downlink.id, JSON.stringify(submitted), reportWindowMs);
  },
  async of(deviceId) {
    const texts = (await link.call(recallScript, deviceKeyOf(deviceId))) as string[];
    const oldest = Date.now() - reportWindowMs;
    return texts.map((text) => JSON.parse(text) as SubmittedDownlink).filter(({ submittedAt }) => submittedAt > oldest);
  },
  async remove(deviceId, downlinkId) {
    await link.call(removeScript, deviceKeyOf(deviceId), downlinkId);
  },
  async quiet(deviceId, limitMs) {
    const end = performance.now() + limitMs;
    const isBusy = async (): Promise<boolean> => (await link.run((client) => client.exists(`${tag}:busy:${deviceKeyOf(deviceId)}`))) === 1;
    while ((await isBusy()) && performance.now() < end) await pause(askEveryMs);
  },
});
