import { BridgeError } from '../../errors.js';
import type { AddOptions, AddResult, Collected, DownlinkQueue, Notice, QueuedDownlink } from '../../downlink/ports.js';
import type { Downlink } from '../../messages/downlink.js';
import { addScript, clearScript, collectScript, expireScript, forgetScript, waitingScript } from './intake-scripts.js';
import { deviceKeyOf } from './keys.js';
import type { RedisLink } from './redis-link.js';
import { leftScript } from './turn-scripts.js';
import type { WakeUps } from './wake-ups.js';

export interface RedisQueueOptions {
  readonly link: RedisLink;
  readonly tag: string;
  readonly wakeUps: WakeUps;
  readonly ratePerSecond: (connectionId: string) => number;
  readonly reportWindowMs: number;
  readonly isClosing: () => boolean;
}

/** How many more a script looks at in one step; Redis does nothing else meanwhile. */
const expireAtOnce = 200;
/** Most notices that are given or forgotten in one step. */
const noticesAtOnce = 1_000;

const noticeOf = (text: string): Notice => JSON.parse(text) as Notice;

/** All of the queue but handing out. */
export const createRedisQueue = ({ link, tag, wakeUps, ratePerSecond, reportWindowMs, isClosing }: RedisQueueOptions): Omit<DownlinkQueue, 'start'> => {
  const argumentsOf = (downlink: Downlink, { delivery, windowMs, capacity }: AddOptions) => [
    deviceKeyOf(downlink.deviceId), downlink.id, downlink.connectionId, downlink.networkServer.id, JSON.stringify(downlink), delivery === 'submit' ? 'list' : 'box',
    Math.ceil(windowMs), capacity, downlink.receivedAt, downlink.validUntil, downlink.flush ? 1 : 0, Date.now(),
  ];

  const add = async (downlink: Downlink, options: AddOptions): Promise<AddResult> => {
    if (isClosing()) throw new BridgeError('stopping');
    const [state, early, ...texts] = (await link.call(addScript, ...argumentsOf(downlink, options))) as [AddResult['state'] | 'full', number, ...string[]];
    if (state === 'full') throw new BridgeError('downlink_queue_full');
    if (state === 'stored' && options.delivery === 'submit') await wakeUps.wake(deviceKeyOf(downlink.deviceId), { early: early === 1 });
    return { state, notices: texts.map(noticeOf) };
  };

  const collect: DownlinkQueue['collect'] = async ({ deviceId, requestId, again, rememberMs }) => {
    const args = [deviceKeyOf(deviceId), requestId, again ? 1 : 0, Math.ceil(rememberMs), Date.now(), reportWindowMs];
    const [body, notice] = (await link.call(collectScript, ...args)) as [string, (string | null)?];
    const collected: Collected = { notices: notice === undefined || notice === null ? [] : [noticeOf(notice)] };
    return body === '' ? collected : { downlink: JSON.parse(body) as Downlink, ...collected };
  };

  const expire = async (): Promise<readonly Notice[]> => {
    const notices: Notice[] = [];
    const now = Date.now();
    // Those that stay are looked at again with the next ones: to pass over so many would pass over others when they leave meanwhile.
    for (let staying = 0; ;) {
      const most = staying + expireAtOnce;
      const [looked, stay, wake, texts] = (await link.call(expireScript, now, most)) as [number, number, string[], string[]];
      notices.push(...texts.map(noticeOf));
      await Promise.all(wake.map((deviceKey) => wakeUps.wake(deviceKey, { early: true })));
      if (looked < most) return notices;
      staying = stay;
    }
  };

  const waiting = async (deviceId: string): Promise<readonly QueuedDownlink[]> => {
    const parts = (await link.call(waitingScript, deviceKeyOf(deviceId))) as string[];
    const found: (QueuedDownlink & { readonly sequence: number })[] = [];
    for (let at = 0; at < parts.length; at += 3) found.push({ sequence: Number(parts[at]), downlink: JSON.parse(parts[at + 1] ?? '') as Downlink, attempts: Number(parts[at + 2]) });
    return found.sort((one, other) => one.sequence - other.sequence).map(({ downlink, attempts }) => ({ downlink, attempts }));
  };

  return {
    add,
    collect,
    expire,
    waiting,
    clear: async (deviceId) => ((await link.call(clearScript, deviceKeyOf(deviceId), Date.now())) as string[]).map(noticeOf),
    notices: (olderThanMs) => link.run(async (client) => {
      const keys = await client.zrangebyscore(`${tag}:notices:at`, '-inf', Date.now() - olderThanMs, 'LIMIT', 0, noticesAtOnce);
      const texts = keys.length === 0 ? [] : await client.hmget(`${tag}:notices`, ...keys);
      return texts.flatMap((text) => (text === null ? [] : [noticeOf(text)]));
    }),
    async forget(notices) {
      for (let from = 0; from < notices.length; from += noticesAtOnce) {
        await link.call(forgetScript, ...notices.slice(from, from + noticesAtOnce).map(({ key }) => key));
      }
    },
    totals: (connectionId) => link.run(async (client) => {
      const key = `${tag}:waiting:${connectionId}`;
      const [waiting, oldest] = await Promise.all([client.zcard(key), client.zrange(key, 0, '0', 'WITHSCORES')]);
      return oldest[1] === undefined ? { waiting } : { waiting, oldestReceivedAt: Number(oldest[1]) };
    }),
    async headroom(connectionId) {
      const left = (await link.call(leftScript, connectionId)) as number;
      return Math.max(0, Math.floor(ratePerSecond(connectionId)) - left);
    },
  };
};
