import { dirname, join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../../src/config/load.js';
import { proofOf } from '../../src/config/network-server.js';
import { exampleEnv, exampleFile } from '../support/example-config.js';

void t.test('the example of the documentation loads as it is', async (t) => {
  const file = exampleFile(t);
  const { config, warnings } = loadConfig({ file, env: exampleEnv });
  t.same(warnings, []);
  t.equal(config.dataDir, join(dirname(file), 'data'), 'paths start at the folder of the file');
  t.equal(config.outbox.maxBytes, 2_000_000_000);
  t.match(config.networkServers, [{ id: 'factory', kind: 'chirpstack' }]);
  t.match(config.connections[0]?.configuration, { endpoint: { host: 'localhost', port: 8883 }, maxClients: 10, publishTimeout: 10_000, mqttVersion: '5' });
  const [server] = config.networkServers;
  t.same(server && proofOf(server.authenticate), { kind: 'header', name: 'x-api-key', value: exampleEnv.FACTORY_KEY });
});
