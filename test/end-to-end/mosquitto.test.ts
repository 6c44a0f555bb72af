import t from 'tap';
import { startMosquitto } from './support/broker.js';
import { keepsOrder, stopsCleanly, survivesKill, survivesOutage } from './support/scenarios.js';

void t.test('kill -9 in the middle of 1,000 uplinks loses nothing', (t) => survivesKill(t, startMosquitto));
void t.test('SIGTERM under load loses nothing and sends nothing twice', (t) => stopsCleanly(t, startMosquitto));
void t.test('order holds at full speed, 20 devices', (t) => keepsOrder(t, startMosquitto, 20));
void t.test('order holds at full speed, 2,000 devices', (t) => keepsOrder(t, startMosquitto, 2_000));
void t.test('nothing is lost when the broker is killed and comes back', (t) => survivesOutage(t, startMosquitto, 'cut'));
void t.test('nothing is lost when the broker stops answering for a while', (t) => survivesOutage(t, startMosquitto, 'blackhole'));
