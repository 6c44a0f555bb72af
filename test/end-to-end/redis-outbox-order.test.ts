/** An outbox in Redis whose answers are lost: what may be stored and was refused is not overtaken. */
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { startRedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { createHome } from './support/bridge.js';
import { startSandbox } from './support/broker.js';
import { arrivedOf, devEuiOf, postUplink } from './support/load.js';

void t.test('a webhook is refused while an earlier one of its device, refused as well, may be stored', async (t) => {
  const [broker, redis] = await Promise.all([startSandbox(), startRedisServer()]);
  t.teardown(() => broker.stop());
  t.teardown(() => redis.stop());
  const home = await createHome(broker, {}, { redis: { url: redis.url }, secrets: { key: randomBytes(32).toString('base64') }, outbox: { store: 'redis' } });
  t.teardown(() => home.remove());
  const bridge = await home.start();
  t.teardown(() => bridge.kill());
  const [device, other] = [devEuiOf(1), devEuiOf(2)];
  const arrived = (devEui: string): readonly number[] => arrivedOf(broker.received.all).order.get(devEui) ?? [];
  const post = (fCnt: number): Promise<number> => postUplink(bridge, device, fCnt);

  t.equal(await post(1), 204);
  await until('the first', () => arrived(device).length === 1);
  await broker.control({ do: 'misbehave', rules: [{ action: 'delay-puback', delayMs: 6_000 }] });
  t.equal(await post(2), 204);
  await until('the second', () => arrived(device).length === 2);
  await broker.control({ do: 'misbehave', rules: [] });
  redis.pause();
  t.equal(await post(3), 503, 'Redis has it and does not answer, and the second is under way still');
  await until('a device with nothing that waits or may wait goes past the store', async () => (await postUplink(bridge, other, 1)) === 204);
  await until('the second is acknowledged', async () => (await bridge.metric('lpwan_bridge_publishes_in_flight{connection="main"}')) === 0);
  t.equal(await post(4), 503, 'the third may be stored');
  redis.resume();
  await until('the fourth is taken', async () => (await post(4)) === 204);
  await until('the fourth', () => arrived(device).includes(4));
  // The third only where Redis read it before the connection was given up.
  t.same(arrived(device), arrived(device).includes(3) ? [1, 2, 3, 4] : [1, 2, 4]);
});
