import type { OutboxRecord } from '../../src/uplink/ports.js';

/** An outbox record for tests; only what matters is given. */
export const recordOf = (seq: number, deviceId: string, more: Partial<OutboxRecord> = {}): OutboxRecord => ({
  seq,
  connectionId: 'main',
  messageId: seq.toString(16).padStart(32, '0'),
  networkServerId: 'factory',
  deviceId,
  type: 'uplink',
  topic: `t/${deviceId}/uplink`,
  payload: Buffer.from(`{"seq":${seq}}`),
  acceptedAt: 1_700_000_000_000,
  expiresAt: 0,
  ...more,
});
