import { createLogger } from '../../../src/log.js';
import { openSlotKeeper } from '../../../src/store/redis/slots.js';

/**
 * A process of its own for tests: `hold-slot.js URL PREFERRED LEASE-MS` keeps a slot and prints a line for each change that is seen every 10 ms:
 * `held SLOT`, `open SLOT` (not held), `changed SLOT POSITION`, `orphan SLOT`.
 */
const [url = '', preferred = '', lease = ''] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const keeper = await openSlotKeeper({
  url,
  preferred,
  leaseMs: Number(lease),
  logger: createLogger('silent'),
  onChange: ({ slot }, position) => say(`changed ${slot} ${position}`),
  onOrphan: (slot) => say(`orphan ${slot}`),
});
let before = '';
setInterval(() => {
  const line = `${keeper.held() ? 'held' : 'open'} ${keeper.current().slot}`;
  if (line !== before) say(line);
  before = line;
}, 10);
