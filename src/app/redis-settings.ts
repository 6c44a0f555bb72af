import type { BridgeConfig } from '../config/schema.js';

/** Keys of this bridge in Redis begin with it. */
export const keyPrefix = 'lpwan-bridge';

export const redisSettings = ({ url, caCertificate }: NonNullable<BridgeConfig['redis']>): { readonly url: string; readonly ca?: string } => ({
  url: url.reveal(),
  ...(caCertificate === undefined ? {} : { ca: caCertificate }),
});
