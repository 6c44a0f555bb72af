import { register } from 'node:module';
import { isDaemon } from './read-switch.js';

/** Puts `store-between.js` between the daemon and LMDB. */
if (isDaemon()) register('./store-hooks.js', import.meta.url);
