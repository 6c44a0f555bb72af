import { register } from 'node:module';
import { standBetween } from './journal-between.js';
import { isDaemon } from './read-switch.js';

/** Puts `store-between.js` between the daemon and LMDB, and `journal-between.js` between it and the journal. */
if (isDaemon()) {
  register('./store-hooks.js', import.meta.url);
  standBetween();
}
