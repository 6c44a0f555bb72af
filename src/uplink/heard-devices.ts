/** What is remembered of one device. */
export interface HeardDevice {
  readonly networkServerId: string;
  readonly deviceId: string;
  /** Last FCnt of the session; -1 before there is one. */
  fCnt: number;
  /** DevAddr of the session as a signed number of 32 bits; 0 where it is not known. */
  devAddr: number;
  /** When the network server received that uplink, epoch ms; 0 where it does not say. */
  receivedAt: number;
  /** FCnts of the session that are missing and may still come. */
  missing: number;
  /** A join was told since the last uplink. */
  joined: boolean;
  /** When it last spoke, s of a clock that only goes forward. */
  heardAt: number;
  /** Gaps between its uplinks that were learned from. */
  gaps: number;
  /** Mean of the last gaps, s. */
  usualGap: number;
  /** The longest of the last gaps, s. */
  longestGap: number;
  silent: boolean;
  older: HeardDevice | undefined;
  newer: HeardDevice | undefined;
}

/** A bounded number of devices in the order in which they were last heard. */
export interface HeardDevices {
  find(networkServerId: string, deviceId: string): HeardDevice | undefined;
  /** Begins to remember a device; when there is no room the one that was not heard for longest is forgotten. */
  add(networkServerId: string, deviceId: string): HeardDevice;
  /** Puts a device at the end of the order. */
  touch(device: HeardDevice): void;
  /** The one that was not heard for longest; the others follow by `newer`. */
  oldest(): HeardDevice | undefined;
  forget(device: HeardDevice): void;
  all(networkServerId: string): Iterable<HeardDevice>;
  networkServerIds(): Iterable<string>;
}

/** A text cut out of a body would keep the whole body in memory. UTF-16 takes twice the room, and holds half of a surrogate pair too. */
const ownText = (text: string): string => {
  const copy = Buffer.from(text).toString();
  return copy === text ? copy : Buffer.from(text, 'utf16le').toString('utf16le');
};

const newDevice = (networkServerId: string, deviceId: string): HeardDevice => ({
  networkServerId,
  deviceId,
  fCnt: -1,
  devAddr: 0,
  receivedAt: 0,
  missing: 0,
  joined: false,
  heardAt: 0,
  gaps: 0,
  usualGap: 0,
  longestGap: 0,
  silent: false,
  older: undefined,
  newer: undefined,
});

export interface HeardDevicesOptions {
  readonly limit: number;
  /** Tells of each device that is not remembered any more. */
  readonly forgotten: (device: HeardDevice) => void;
}

export const createHeardDevices = ({ limit, forgotten }: HeardDevicesOptions): HeardDevices => {
  const byNetworkServer = new Map<string, Map<string, HeardDevice>>();
  let count = 0;
  let oldest: HeardDevice | undefined;
  let newest: HeardDevice | undefined;

  const unlink = (device: HeardDevice): void => {
    if (device.older === undefined) oldest = device.newer;
    else device.older.newer = device.newer;
    if (device.newer === undefined) newest = device.older;
    else device.newer.older = device.older;
  };

  const append = (device: HeardDevice): void => {
    device.older = newest;
    device.newer = undefined;
    if (newest === undefined) oldest = device;
    else newest.newer = device;
    newest = device;
  };

  const forget = (device: HeardDevice): void => {
    const devices = byNetworkServer.get(device.networkServerId);
    if (devices?.delete(device.deviceId) !== true) return;
    if (devices.size === 0) byNetworkServer.delete(device.networkServerId);
    unlink(device);
    count -= 1;
    forgotten(device);
  };

  const devicesOf = (networkServerId: string): Map<string, HeardDevice> => {
    const known = byNetworkServer.get(networkServerId);
    if (known !== undefined) return known;
    const made = new Map<string, HeardDevice>();
    byNetworkServer.set(networkServerId, made);
    return made;
  };

  return {
    find: (networkServerId, deviceId) => byNetworkServer.get(networkServerId)?.get(deviceId),
    add(networkServerId, deviceId) {
      if (count >= limit && oldest !== undefined) forget(oldest);
      const device = newDevice(networkServerId, ownText(deviceId));
      devicesOf(networkServerId).set(device.deviceId, device);
      append(device);
      count += 1;
      return device;
    },
    touch(device) {
      if (device === newest) return;
      unlink(device);
      append(device);
    },
    oldest: () => oldest,
    forget,
    all: (networkServerId) => byNetworkServer.get(networkServerId)?.values() ?? [],
    networkServerIds: () => byNetworkServer.keys(),
  };
};
