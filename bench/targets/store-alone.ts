import { randomBytes } from 'node:crypto';
import { createLogger } from '../../src/log.js';
import { lockDataDir } from '../../src/store/local/data-dir-lock.js';
import { openLocalOutbox } from '../../src/store/local/local-outbox.js';
import type { Append } from '../../src/uplink/ports.js';
import { bodyOf, deviceIdOf } from '../bodies.js';
import { nowMicros } from '../clock.js';
import { settings } from './process.js';
import { measureWindow } from './window.js';

// Ceiling (d): the local store appending and nothing else. Nothing is settled, so the file only grows.

interface Settings {
  readonly dataDir: string;
  readonly seconds: number;
}

/** Messages of one append, and appends under way: what waits while one transaction is written goes into the next. */
const batchSize = 100;
const underWay = 4;
const keyBytes = 16;
const devices = 1_000;
const dedupWindowMs = 7_200_000;
const noLimit = Number.MAX_SAFE_INTEGER;

const { dataDir, seconds } = settings<Settings>();
await lockDataDir(dataDir);
const outbox = await openLocalOutbox({ dataDir, maxBytes: noLimit, parkedMaxBytes: noLimit, dedupWindowMs, logger: createLogger('warn') });

const messages = Array.from({ length: devices }, (_, device) => {
  const deviceId = deviceIdOf('chirpstack', device);
  return { deviceId, topic: `tpx/things/${deviceId}/uplink`, payload: Buffer.from(bodyOf('chirpstack', { device, frame: 0, sentMicros: nowMicros() })) };
});
let turn = 0;
let appended = 0;

const appendOf = (dedupKey: Buffer): Append => {
  turn = (turn + 1) % messages.length;
  const { [turn]: message = { deviceId: '', topic: '', payload: Buffer.alloc(0) } } = messages;
  const now = Date.now();
  const record = { ...message, connectionId: 'main', messageId: dedupKey.toString('hex'), networkServerId: 'chirpstack', type: 'uplink', acceptedAt: now, expiresAt: 0 };
  return { dedupKey, eventTimeMs: now, records: [{ record }] };
};

const batch = (): Append[] => {
  const keys = randomBytes(batchSize * keyBytes);
  return Array.from({ length: batchSize }, (_, index) => appendOf(keys.subarray(index * keyBytes, (index + 1) * keyBytes)));
};

const keepAppending = async (): Promise<never> => {
  for (;;) {
    await outbox.append(batch());
    appended += batchSize;
  }
};

for (let count = 0; count < underWay; count += 1) void keepAppending();
await measureWindow(seconds, () => appended);
