import type { NoteEvent } from '../messages/bridge-event.js';
import type { DeviceMetrics } from '../uplink/device-metrics.js';
import { createDeviceWatch, type DeviceWatch } from '../uplink/device-watch.js';

export interface WatchDevicesOptions {
  readonly metrics: DeviceMetrics;
  readonly note: NoteEvent;
}

const everyMs = 60_000;

/** Looks once a minute which devices fell silent. */
export const watchDevices = (options: WatchDevicesOptions): DeviceWatch & { stop(): void } => {
  const watch = createDeviceWatch(options);
  const timer = setInterval(() => watch.tick(), everyMs).unref();
  return { ...watch, stop: () => clearInterval(timer) };
};
