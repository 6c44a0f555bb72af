import { caBundle } from './credentials.js';
import { section } from './field.js';
import { duration, integer } from './scalars.js';
import { secretUrl } from './urls.js';

/** What holds for the downlinks of all connections. */
export const downlinksSchema = section('Downlinks that wait for their network server.', {
  dedupWindow: duration({ description: 'How long a downlink without a correlation id is remembered by its text, so that a redelivery of AWS is not a second command. Those with a correlation id are remembered for a day.' }, { min: '0s', max: '1d' }).prefault('1m'),
  maxWaiting: integer({ description: 'Most downlinks that may wait for one connection; more are rejected.' }, { min: 1, max: 10_000_000 }).prefault(100_000),
  reportWindow: duration({ description: 'How long a submitted downlink is remembered, so that the reports of its network server are matched to it.' }, { min: '1m', max: '30d' }).prefault('24h'),
}).prefault({});

const redisUrl = secretUrl({ description: 'Address of Redis, `redis://` or `rediss://`, with user and password where it has them. Also taken from `REDIS_URL`.', hint: '${REDIS_URL}' }, ['redis', 'rediss']);

/** Where downlinks are shared by several replicas. */
export const redisSchema = section('Redis keeps the downlinks, and several bridges may share it. Without it they are kept in dataDir.', {
  url: redisUrl,
  caCertificate: caBundle({ description: "CA certificates that the certificate of a rediss:// address must chain to; Node's own list when absent.", hint: 'certs/redis-ca.pem' }).optional(),
});
