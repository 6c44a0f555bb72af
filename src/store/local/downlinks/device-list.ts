import { setImmediate } from 'node:timers/promises';
import type { DeviceFilter, DeviceRecord, Devices, SeenDevice } from '../../../downlink/ports.js';
import { fieldError } from '../../../errors.js';
import type { Environment } from '../environment.js';
import { decodeValue } from '../json-value.js';
import { reading, type DownlinkTables } from './downlink-tables.js';

/** Records looked at in one go: a few milliseconds, so that a filter which nothing passes never holds up the event loop. */
const stepSize = 1_000;

const matches = ({ networkServerId, connectionIds }: DeviceRecord, filter: DeviceFilter): boolean =>
  (filter.networkServerId === undefined || filter.networkServerId === networkServerId) && (filter.connectionId === undefined || connectionIds.includes(filter.connectionId));

/** The first key behind a cursor, which is the key of the last device of a page in hex. */
const startAfter = (after: string | undefined): Buffer => {
  if (after === undefined) return Buffer.alloc(1);
  if (!/^([0-9a-f]{2}){1,64}$/.test(after)) throw fieldError('after', 'it is not where a page of this list ended');
  return Buffer.concat([Buffer.from(after, 'hex'), Buffer.alloc(1)]);
};

interface Step {
  readonly found: readonly { readonly key: Buffer; readonly device: SeenDevice }[];
  /** Where to go on; absent at the end. */
  readonly next?: Buffer;
}

/**
 * The devices in the order of the hashes of their ids: nothing moves when others come.
 * @param seen The device of a record that was read, as it is known by now.
 */
export const createDeviceList = (environment: Environment<DownlinkTables>, seen: (tables: DownlinkTables, record: DeviceRecord) => SeenDevice): Devices['list'] => {
  const look = (start: Buffer, filter: DeviceFilter, most: number): Step =>
    reading(environment, (tables) => {
      const found: { key: Buffer; device: SeenDevice }[] = [];
      let looked = 0;
      let last = start;
      for (const { key, value } of tables.devices.getRange({ start, limit: stepSize })) {
        looked += 1;
        last = key;
        const record = decodeValue<DeviceRecord>(value);
        const device = record === undefined ? undefined : seen(tables, record);
        if (device !== undefined && matches(device, filter)) found.push({ key, device });
        if (found.length >= most) break;
      }
      return looked < stepSize && found.length < most ? { found } : { found, next: Buffer.concat([last, Buffer.alloc(1)]) };
    });

  return async (filter, { after, limit }) => {
    const found: Step['found'][number][] = [];
    // One more than asked tells whether there is a next page.
    for (let start: Buffer | undefined = startAfter(after); start !== undefined && found.length <= limit; ) {
      const step: Step = look(start, filter, limit + 1 - found.length);
      found.push(...step.found);
      start = step.next;
      if (start !== undefined) await setImmediate();
    }
    const last = found.length > limit ? found[limit - 1] : undefined;
    const devices = found.slice(0, limit).map(({ device }) => device);
    return last === undefined ? { devices } : { devices, next: last.key.toString('hex') };
  };
};
