import type { Stamp, UplinkFields } from '../messages/message.js';
import type { DeviceMetrics } from './device-metrics.js';
import { fCntStep, late, reset, type Order } from './fcnt.js';
import type { HeardDevice } from './heard-devices.js';

/**
 * Counts what an uplink of a device says about those before it. True unless the uplink is late, or one that was told before.
 * @param eventTimeMs When the network server received it, epoch ms; 0 where it does not say
 */
export type CountFCnt = (device: HeardDevice, message: Stamp & UplinkFields, eventTimeMs: number) => boolean;

/** One uplink, as far as the counting goes. */
interface Frame {
  readonly fCnt: number;
  readonly devAddr: number;
  readonly order: Order;
}

/** 0 for one that is not known; `| 0` keeps it a number that takes no memory of its own. */
const addressOf = (devAddr: string | undefined): number => (devAddr === undefined ? 0 : Number.parseInt(devAddr, 16) | 0);

const orderOf = (before: number, time: number): Order => {
  if (before === 0 || time === 0) return 'unknown';
  return time <= before ? 'before' : 'after';
};

/** Sigfox tells an uplink twice, the second time with more. Its sequence number has 12 bits and rules of its own: nothing is missed by it. */
const isNextOfSigfox = (device: HeardDevice, sequenceNumber: number): boolean => {
  if (device.fCnt === sequenceNumber) return false;
  device.fCnt = sequenceNumber;
  return true;
};

export const createCountFCnt = (metrics: DeviceMetrics): CountFCnt => {
  const begin = (device: HeardDevice, isReset: boolean): true => {
    if (isReset) metrics.reset(device.networkServerId);
    device.missing = 0;
    return true;
  };

  const inSession = (device: HeardDevice, { fCnt, order }: Frame): boolean => {
    const step = fCntStep(device.fCnt, fCnt, order);
    if (step === reset) return begin(device, true);
    if (step > 1) {
      metrics.missing(device.networkServerId, step - 1);
      device.missing += step - 1;
    } else if (step === late && device.missing > 0) {
      metrics.late(device.networkServerId);
      device.missing -= 1;
    }
    return step > 0;
  };

  const goesOn = (device: HeardDevice, frame: Frame): boolean => {
    if (device.fCnt === -1) return begin(device, false);
    const { fCnt, devAddr, order } = frame;
    const moved = devAddr !== 0 && device.devAddr !== 0 && devAddr !== device.devAddr;
    if (!moved && !device.joined) return inSession(device, frame);
    return order === 'before' ? false : begin(device, moved || fCnt < device.fCnt);
  };

  return (device, message, eventTimeMs) => {
    const { fCnt } = message;
    if (fCnt === undefined) return true;
    if (message.networkServer?.kind === 'sigfox') return isNextOfSigfox(device, fCnt);
    // A gateway's wrong clock must not make all that follow late ones.
    const time = Math.min(eventTimeMs, Date.now());
    const devAddr = addressOf(message.devAddr);
    if (!goesOn(device, { fCnt, devAddr, order: orderOf(device.receivedAt, time) })) return false;
    device.fCnt = fCnt;
    device.receivedAt = time;
    device.joined = false;
    if (devAddr !== 0) device.devAddr = devAddr;
    return true;
  };
};
