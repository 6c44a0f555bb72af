import { isDaemon, readSwitch } from './read-switch.js';

/** Blocks the event loop on SIGUSR2, for the milliseconds that the switch `block` holds: nothing of the process runs but LMDB's own thread. */
if (isDaemon()) {
  process.on('SIGUSR2', () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(readSwitch('block') ?? 0)));
}
