import type { NoteEvent } from '../messages/bridge-event.js';
import type { Message, Stamp, UplinkFields } from '../messages/message.js';
import { createCountFCnt } from './count-fcnt.js';
import type { DeviceMetrics } from './device-metrics.js';
import { createHeardDevices, type HeardDevice } from './heard-devices.js';
import { learnGap, silentAfter, speechLimits } from './usual-gap.js';

/** Sees what devices leave out, and which of them stop to speak. */
export interface DeviceWatch {
  /** To be called once for each accepted message. @param eventTimeMs When it happened by the network server's clock, epoch ms; 0 where it does not say */
  readonly seen: (message: Message, eventTimeMs: number) => void;
  /** To be called once a minute: notes the devices that fell silent. */
  tick(): void;
  /** How many devices of a network server are silent. */
  silent(networkServerId: string): number;
  /** Forgets the devices of all other network servers. */
  keep(networkServers: { has(id: string): boolean }): void;
}

export interface DeviceWatchOptions {
  readonly metrics: DeviceMetrics;
  readonly note: NoteEvent;
  /** Most devices that are remembered; those not heard for longest are forgotten. */
  readonly limit?: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
}

const defaultLimit = 100_000;

/** A device with a longer id is not watched, so that memory stays bounded. */
const longestId = 128;

/** Most devices that are told of in one turn, so that a network that is gone does not hold up the others; the rest follow with the next. */
const mostInTick = 10_000;

const minutes = (seconds: number): string => `${Math.max(1, Math.round(seconds / 60))} min`;

export const createDeviceWatch = ({ metrics, note, limit = defaultLimit, now = () => performance.now() }: DeviceWatchOptions): DeviceWatch => {
  const countFCnt = createCountFCnt(metrics);
  const silentCounts = new Map<string, number>();
  const seconds = (): number => Math.floor(now() / 1_000);

  const setSilent = (device: HeardDevice, silent: boolean): void => {
    if (device.silent === silent) return;
    device.silent = silent;
    const { networkServerId: id } = device;
    silentCounts.set(id, (silentCounts.get(id) ?? 0) + (silent ? 1 : -1));
  };

  const devices = createHeardDevices({ limit, forgotten: (device) => setSilent(device, false) });

  const tell = ({ networkServerId, deviceId, silent, usualGap }: HeardDevice, gap: number): void => {
    const text = silent ? 'device fell silent' : 'device speaks again';
    note({ subject: { kind: 'network-server', id: networkServerId }, time: Date.now(), level: silent ? 'warning' : 'info', text, detail: `nothing for ${minutes(gap)}; its uplinks usually come every ${minutes(usualGap)}`, deviceId });
  };

  const heard = (device: HeardDevice, learns: boolean): void => {
    const time = seconds();
    const gap = time - device.heardAt;
    device.heardAt = time;
    devices.touch(device);
    if (device.silent) {
      setSilent(device, false);
      tell(device, gap);
    }
    if (learns) learnGap(device, gap);
  };

  const uplink = (networkServerId: string, message: Stamp & UplinkFields, eventTimeMs: number): void => {
    const { deviceId } = message;
    const known = devices.find(networkServerId, deviceId);
    if (known !== undefined) return heard(known, countFCnt(known, message, eventTimeMs));
    if (deviceId.length > longestId) return;
    const device = devices.add(networkServerId, deviceId);
    device.heardAt = seconds();
    countFCnt(device, message, eventTimeMs);
  };

  return {
    seen(message, eventTimeMs) {
      const id = message.networkServer?.id;
      if (id === undefined) return;
      if (message.type === 'uplink') return uplink(id, message, eventTimeMs);
      if (message.type !== 'join') return;
      const device = devices.find(id, message.deviceId);
      if (device === undefined) return;
      device.joined = true;
      heard(device, false);
    },
    tick() {
      const time = seconds();
      let left = mostInTick;
      for (let device = devices.oldest(); device !== undefined && left > 0 && time - device.heardAt >= speechLimits.shortestSilence; device = device.newer) {
        const gap = time - device.heardAt;
        if (device.silent || gap <= silentAfter(device)) continue;
        setSilent(device, true);
        tell(device, gap);
        left -= 1;
      }
    },
    silent: (networkServerId) => silentCounts.get(networkServerId) ?? 0,
    keep(networkServers) {
      for (const id of [...devices.networkServerIds()]) {
        if (networkServers.has(id)) continue;
        for (const device of [...devices.all(id)]) devices.forget(device);
        silentCounts.delete(id);
      }
    },
  };
};
