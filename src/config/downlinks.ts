import { section } from './field.js';
import { duration, integer } from './scalars.js';

/** What holds for the downlinks of all connections. */
export const downlinksSchema = section('Downlinks that wait for their network server.', {
  dedupWindow: duration({ description: 'How long a downlink without a correlation id is remembered by its text, so that a redelivery of AWS is not a second command. Those with a correlation id are remembered for a day.' }, { min: '0s', max: '1d' }).prefault('1m'),
  maxWaiting: integer({ description: 'Most downlinks that may wait for one connection; more are rejected.' }, { min: 1, max: 10_000_000 }).prefault(100_000),
  reportWindow: duration({ description: 'How long a submitted downlink is remembered, so that the reports of its network server are matched to it.' }, { min: '1m', max: '30d' }).prefault('24h'),
}).prefault({});
