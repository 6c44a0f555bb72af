/** Against the sandbox: what the short rows of the fault suite leave (`test/faults`, with kill -9 and SIGTERM under load among them). */
import t from 'tap';
import { startSandbox, type TestBroker } from './support/broker.js';
import { keepsOrder, survivesOutage } from './support/scenarios.js';

const sandbox = (): Promise<TestBroker> => startSandbox();
const withoutQuota = (): Promise<TestBroker> => startSandbox(['--publish-limit', '0', '--limit', 'bytesPerSecond=0']);
const withhold = (mode: 'discard' | 'deliver') => (broker: TestBroker) => broker.control({ do: 'misbehave', rules: [{ action: 'withhold-puback', mode, share: 0.02 }] });

void t.test('order holds when 2 % of publishes are discarded, 20 devices', (t) => keepsOrder(t, withoutQuota, 20, withhold('discard')));
void t.test('order holds when 2 % of publishes are discarded, 2,000 devices', (t) => keepsOrder(t, withoutQuota, 2_000, withhold('discard')));
void t.test('order holds when 2 % of PUBACKs are lost, 20 devices', (t) => keepsOrder(t, withoutQuota, 20, withhold('deliver')));
void t.test('nothing is lost when AWS refuses connections for a while', (t) => survivesOutage(t, sandbox, 'cut'));
void t.test('nothing is lost when AWS stops answering for a while', (t) => survivesOutage(t, sandbox, 'blackhole'));
