import { section, type Loose, type Report } from './field.js';
import { byteSize, choice, duration, integer } from './scalars.js';

const publishes = (description: string) => integer({ description }, { min: 0, max: 100_000 });

/**
 * The sessions of one connection: how many, how fast, how patient. Quotas: AWS IoT Core, "Publish requests per second per
 * connection" 100, "Throughput per second per connection" 512 KB, "Inbound publish requests per second per account" 2,000 in the
 * smaller regions, in-flight QoS 1 messages 100.
 */
export const pacing = {
  maxClients: integer({ description: 'Most MQTT sessions at a time.', example: 10 }, { min: 1, max: 10 }).prefault(10),
  publishesPerSecondPerClient: publishes("Pace of one session (AWS allows 100); 0 switches it off, and publishesPerSecond too, for brokers without AWS's quota.").prefault(100),
  bytesPerSecondPerClient: byteSize({ description: 'Bytes a second of one session (AWS allows 512 KiB); 0 switches it off.' }, { min: '0', max: '1GB' }).prefault('512KiB'),
  publishesPerSecond: publishes('Pace of all sessions together (AWS allows 2,000 to 20,000 an account, by region); 0 switches it off.').prefault(2_000),
  inFlightPerClient: integer({ description: 'Most unacknowledged publishes of one session.' }, { min: 1, max: 100 }).prefault(100),
  publishTimeout: duration({ description: 'How long to wait for a PUBACK before the message is sent again.' }, { min: '10ms', max: '5m' }).prefault('10s'),
  connectTimeout: duration({ description: 'Longest time for DNS, TCP, TLS and MQTT CONNECT together.' }, { min: '10ms', max: '5m' }).prefault('20s'),
  keepAlive: duration({ description: 'MQTT keep-alive (AWS takes 30 s to 20 min).' }, { min: '1s', max: '20m' }).prefault('60s'),
  uplinkTimeValidity: duration({ description: 'How long a message may wait for AWS before it is given up as expired; for ever when absent.', hint: '5m' }, { min: '1s', max: '3650d' }).optional(),
  expiredUplinks: choice({ description: 'What becomes of expired messages: `drop` only counts them, `park` keeps them among the parked messages.' }, ['drop', 'park']).prefault('drop'),
  reconnectStrategy: choice({ description: 'How patiently an unreachable account is tried again, by the name of ThingPark X; `reconnect` holds in its place when it is absent.', hint: 'NORMAL' }, ['CALM', 'NORMAL', 'AGGRESSIVE']).optional(),
  reconnect: section('Waiting time before a session is opened again: doubles from min to max, jittered.', {
    min: duration({ description: 'First waiting time.' }, { min: '1ms', max: '1h' }).prefault('1s'),
    max: duration({ description: 'Longest waiting time.' }, { min: '1ms', max: '1h' }).prefault('20s'),
  }).prefault({}),
  idleTimeout: duration({ description: 'Sessions beyond the first that carried nothing for so long are closed.' }, { min: '10ms', max: '1d' }).prefault('30s'),
};

/** A pair of waiting times, `min` and `max`, in the wrong order. */
const checkWaits = (waits: unknown, path: string, report: Report): void => {
  const { min, max } = (typeof waits === 'object' && waits !== null ? waits : {}) as Loose;
  if (typeof min === 'number' && typeof max === 'number' && min > max) report([path, 'min'], 'is longer than max');
};

export const checkReconnect = ({ reconnect }: Loose, report: Report): void => checkWaits(reconnect, 'reconnect', report);
export const checkBackoff = ({ backoff }: Loose, report: Report): void => checkWaits(backoff, 'backoff', report);
