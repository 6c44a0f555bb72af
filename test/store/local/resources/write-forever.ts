import { createLogger } from '../../../../src/log.js';
import { openLocalResources } from '../../../../src/store/local/resources/local-resources.js';
import { newAudit, put } from '../../../contracts/resource-store.js';

/** A process of its own for tests: `write-forever.js DATADIR` changes two resources again and again, and prints `+VERSION` only when it was told that the change is durable. It runs until it is killed. */
const { resources } = await openLocalResources({ dataDir: process.argv[2] ?? '', logger: createLogger('silent') });

for (let version = 1; ; version += 1) {
  await resources.write([put('one', { version }), put('two', { version }, 'flow')], version - 1, newAudit(`c${version}`));
  process.stdout.write(`+${version}\n`);
}
