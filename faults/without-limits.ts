import { startSandbox, type TestBroker } from '../test/end-to-end/support/broker.js';
import { unpaced } from '../test/end-to-end/support/scenarios.js';

/** For rows about something else than AWS's rates: the sandbox without them, and a connection without pacing. */
export const withoutRates: { readonly startBroker: () => Promise<TestBroker>; readonly configuration: object } = {
  startBroker: () => startSandbox(['--limit', 'publishesPerSecond=0', '--limit', 'bytesPerSecond=0']),
  configuration: { ...unpaced, publishesPerSecond: 0 },
};
