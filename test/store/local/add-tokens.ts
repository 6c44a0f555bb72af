import { openTokenFile } from '../../../src/store/local/tokens.js';
import { newToken } from '../../contracts/token-store.js';

/** A process of its own for tests: `add-tokens.js DATADIR PREFIX COUNT` adds tokens one after the other and prints the name of each that it was told to be kept. */
const [dataDir = '', prefix = '', count = '0'] = process.argv.slice(2);
const store = openTokenFile({ dataDir });
for (let index = 0; index < Number(count); index += 1) {
  await store.add(newToken(`${prefix}-${index}`));
  process.stdout.write(`${prefix}-${index}\n`);
}
