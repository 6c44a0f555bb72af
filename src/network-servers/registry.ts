import type { NetworkServerKind } from '../messages/message.js';
import { chirpstack } from './chirpstack/parse.js';
import type { NetworkServerAdapter } from './network-server.js';
import { sigfox } from './sigfox/parse.js';
import { theThingsStack } from './the-things-stack/parse.js';
import { thingpark } from './thingpark/parse.js';

/** The adapter of each kind of network server: a new kind is its folder and one line here. */
export const networkServerAdapters: Readonly<Record<NetworkServerKind, NetworkServerAdapter>> = {
  thingpark,
  'the-things-stack': theThingsStack,
  chirpstack,
  sigfox,
};
