import { readSwitch } from './read-switch.js';

/**
 * Shifts the wall clock of the process by the milliseconds that the switch `clock` holds, looked at every 20 ms: `Date.now`, `new Date()` and
 * `Date()`. The monotonic clock (`performance.now`, timers, `performance.timeOrigin`, which is read once at start) goes on unmoved, as it
 * does on a machine whose clock is set. Native code keeps the true time: OpenSSL judges certificates by it, and log lines of other
 * processes carry it.
 */
const everyMs = 20;
const TrueDate = Date;
const trueNow = Date.now.bind(Date);

const readOffset = (): number => Number(readSwitch('clock') ?? 0);
let offsetMs = readOffset();

const now = (): number => trueNow() + offsetMs;

const ShiftedDate = new Proxy(TrueDate, {
  apply: () => new TrueDate(now()).toString(),
  construct: (target, args: unknown[], newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
  get: (target, key, receiver) => (key === 'now' ? now : (Reflect.get(target, key, receiver) as unknown)),
});

globalThis.Date = ShiftedDate;
TrueDate.prototype.constructor = ShiftedDate;
setInterval(() => (offsetMs = readOffset()), everyMs).unref();
