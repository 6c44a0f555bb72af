import type { MetricFamily } from '../metric-family.js';

/** What the radio and the network did, by network server; the books of the bridge itself are the uplink metrics. */
export interface DeviceMetrics {
  missing(networkServer: string, count: number): void;
  late(networkServer: string): void;
  reset(networkServer: string): void;
}

/** @param silent Reads how many devices of a network server are silent */
export const createDeviceMetrics = (networkServers: MetricFamily, silent: (networkServerId: string) => number): DeviceMetrics => {
  networkServers.gauge('devices_silent', 'Devices that used to speak and have not been heard for much longer than usual.', silent);
  return {
    missing: networkServers.counter('fcnt_missing_total', 'FCnts that were left out between two uplinks of a device: lost on the radio, or before they came to the bridge.'),
    late: networkServers.counter('fcnt_late_total', 'FCnts counted as missing that came after all.'),
    reset: networkServers.counter('fcnt_resets_total', 'Frame counters that began anew: rejoins and resets.'),
  };
};
