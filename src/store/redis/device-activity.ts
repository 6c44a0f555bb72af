import type { DeviceActivity } from '../../downlink/ports.js';
import { setBounded } from '../../forget-oldest.js';
import { activeScript } from './device-scripts.js';
import { deviceKeyOf } from './keys.js';
import type { RedisLink } from './redis-link.js';
import { firstOf } from './write-behind.js';

/** The latest messages of devices, gathered in memory and written at most about once a minute. */
export interface GatheredActivity {
  note(deviceId: string, activity: DeviceActivity): void;
  /** The later of what is gathered and what Redis holds. */
  latest(deviceId: string, stored: string | null): Partial<DeviceActivity>;
  /** Writes what is gathered, while Redis answers. Never throws. */
  flush(): Promise<void>;
  close(): void;
}

export interface ActivityOptions {
  readonly link: RedisLink;
  /** Between two writes, ms. */
  readonly periodMs: number;
  /** Most devices that are held. */
  readonly bound: number;
}

const writtenAtOnce = 500;

const textOf = ({ lastSeenAt, fCnt }: DeviceActivity): string => `${Math.max(0, Math.trunc(lastSeenAt))}${fCnt === undefined ? '' : ` ${fCnt}`}`;

const activityOf = (text: string): DeviceActivity => {
  const [lastSeenAt, fCnt] = text.split(' ');
  return { lastSeenAt: Number(lastSeenAt), ...(fCnt === undefined ? {} : { fCnt: Number(fCnt) }) };
};

export const createGatheredActivity = ({ link, periodMs, bound }: ActivityOptions): GatheredActivity => {
  const gathered = new Map<string, DeviceActivity>();
  let flushing: Promise<void> | undefined;

  const writeSome = async (): Promise<void> => {
    const some = firstOf(gathered, writtenAtOnce);
    await link.call(activeScript, ...some.flatMap(([deviceId, activity]) => [deviceKeyOf(deviceId), textOf(activity)]));
    for (const [deviceId, activity] of some) if (gathered.get(deviceId) === activity) gathered.delete(deviceId);
  };

  const writeAll = async (): Promise<void> => {
    try {
      while (gathered.size > 0) await writeSome();
    } catch {
      // They stay, and are written with the next.
    }
  };

  const flush = (): Promise<void> => {
    flushing ??= writeAll().finally(() => { flushing = undefined; });
    return flushing;
  };

  const timer = setInterval(() => { if (link.isUp()) void flush(); }, periodMs);

  return {
    note(deviceId, activity) {
      const before = gathered.get(deviceId);
      if (before !== undefined) {
        if (before.lastSeenAt <= activity.lastSeenAt) gathered.set(deviceId, activity);
        return;
      }
      setBounded(gathered, [deviceId, activity], bound);
      if (gathered.size === bound && link.isUp()) void flush();
    },
    latest(deviceId, text) {
      const [held, stored] = [gathered.get(deviceId), text === null || text === '' ? undefined : activityOf(text)];
      if (held === undefined || stored === undefined) return held ?? stored ?? {};
      return stored.lastSeenAt > held.lastSeenAt ? stored : held;
    },
    flush,
    close: () => clearInterval(timer),
  };
};
