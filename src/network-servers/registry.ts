import type { NetworkServerKind } from '../messages/message.js';
import { createChirpstackDownlinks } from './chirpstack/downlink.js';
import { chirpstack } from './chirpstack/parse.js';
import type { DownlinkClient, DownlinkSettings } from './downlink-client.js';
import type { NetworkServerAdapter } from './network-server.js';
import { createSigfoxDownlinks } from './sigfox/downlink.js';
import { sigfox } from './sigfox/parse.js';
import { createTheThingsStackDownlinks } from './the-things-stack/downlink.js';
import { theThingsStack } from './the-things-stack/parse.js';
import { createThingparkDownlinks } from './thingpark/downlink.js';
import { thingpark } from './thingpark/parse.js';

/** The adapter of each kind of network server: a new kind is its folder and one line in each table here. */
export const networkServerAdapters: Readonly<Record<NetworkServerKind, NetworkServerAdapter>> = {
  thingpark,
  'the-things-stack': theThingsStack,
  chirpstack,
  sigfox,
};

const downlinkClients: Readonly<Record<NetworkServerKind, (settings: DownlinkSettings) => DownlinkClient>> = {
  thingpark: createThingparkDownlinks,
  'the-things-stack': createTheThingsStackDownlinks,
  chirpstack: createChirpstackDownlinks,
  sigfox: createSigfoxDownlinks,
};

/** The downlink side of one configured network server; opens nothing before the first attempt. @throws config_invalid for settings that cannot work */
export const createDownlinkClient = (kind: NetworkServerKind, settings: DownlinkSettings): DownlinkClient => downlinkClients[kind](settings);
