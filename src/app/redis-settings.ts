import type { BridgeConfig } from '../config/schema.js';
import type { RedisReach } from '../store/redis/redis-options.js';

/** Keys of this bridge in Redis begin with it. */
export const keyPrefix = 'lpwan-bridge';

export const redisSettings = ({ url, caCertificate, sentinel, cluster }: NonNullable<BridgeConfig['redis']>): RedisReach => ({
  url: url.reveal(),
  ...(caCertificate === undefined ? {} : { ca: caCertificate }),
  ...(sentinel === undefined
    ? {}
    : {
        sentinel: {
          addresses: sentinel.addresses,
          tls: sentinel.tls,
          ...(sentinel.username === undefined ? {} : { username: sentinel.username }),
          ...(sentinel.password === undefined ? {} : { password: sentinel.password.reveal() }),
        },
      }),
  ...(cluster === undefined ? {} : { cluster }),
});
