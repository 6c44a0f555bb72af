import { randomBytes } from 'node:crypto';
import type { BridgePorts, PostedDownlink } from '../../../src/api/bridge-ports.js';
import { parseDownlink } from '../../../src/downlink/parse-downlink.js';
import type { DownlinkStore } from '../../../src/downlink/ports.js';
import { BridgeError } from '../../../src/errors.js';
import type { Downlink } from '../../../src/messages/downlink.js';

type Parsed = ReturnType<typeof parseDownlink>[number];

/** Posts into a real store with the real reader of documents, for one connection. */
export const createTestPost = ({ queue, devices, lives }: DownlinkStore): BridgePorts['postDownlink'] => {
  const postOne = async (parsed: Parsed, at: { readonly connectionId: string; readonly deviceId: string; readonly receivedAt: number }): Promise<PostedDownlink> => {
    if (parsed.kind === 'rejection') return { kind: 'rejected', error: parsed.error };
    const { payload, fPort, correlationId, confirmed, flush } = parsed.draft;
    const beside = correlationId === undefined ? {} : { correlationId };
    const downlink: Downlink = {
      id: randomBytes(16).toString('hex'),
      ...at,
      networkServer: { id: 'factory', kind: 'chirpstack' },
      payload: payload ?? '',
      confirmed,
      flush,
      validUntil: at.receivedAt + 3_600_000,
      ...beside,
      ...(fPort === undefined ? {} : { fPort }),
    };
    await queue.add(downlink, { delivery: 'submit', windowMs: 60_000, capacity: 1_000 });
    lives.note({ downlinkId: downlink.id, connectionId: at.connectionId, deviceId: at.deviceId, networkServerId: 'factory', ...beside }, { state: 'queued', time: at.receivedAt, attempt: 0 });
    return { kind: 'stored', downlinkId: downlink.id, state: 'queued', ...beside };
  };

  return async ({ deviceId, connectionId, document }) => {
    const device = await devices.find(deviceId);
    if (device === undefined) throw new BridgeError('unknown_device');
    const used = connectionId ?? device.connectionIds[0] ?? '';
    if (!device.connectionIds.includes(used)) throw new BridgeError('device_not_routed');
    const receivedAt = Date.now();
    const posted: PostedDownlink[] = [];
    for (const parsed of parseDownlink(Buffer.from(JSON.stringify(document)), { deviceId, receivedAt })) posted.push(await postOne(parsed, { connectionId: used, deviceId, receivedAt }));
    return posted;
  };
};
