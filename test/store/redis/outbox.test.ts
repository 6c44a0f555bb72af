import t from 'tap';
import { outboxContract } from '../../contracts/outbox.js';
import { limitsContract } from '../../contracts/outbox-limits.js';
import { redisFor } from './open-store.js';
import { openOutbox } from './open-outbox.js';

void t.test('the contracts', async (t) => {
  const redis = await redisFor(t);
  let places = 0;
  const newPrefix = (): string => `place-${(places += 1)}`;
  await t.test('the outbox', (t) => outboxContract(t, async (t) => {
    const keyPrefix = newPrefix();
    return { open: async (settings) => (await openOutbox(t, redis.url, { keyPrefix, ...settings })).outbox };
  }));
  await t.test('its limits', (t) => limitsContract(t, async (t, settings) => (await openOutbox(t, redis.url, { keyPrefix: newPrefix(), ...settings })).outbox));
});
