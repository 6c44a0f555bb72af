import { BridgeError } from '../../errors.js';
import type { Fields } from '../fields.js';
import type { NetworkServerAdapter, ParsedMessage } from '../network-server.js';
import { readDeviceAlarm, readGatewayAlarm } from './alarm.js';
import { verifyToken } from './authenticate.js';
import { readDownlinkRejected, readDownlinkSent, readMulticastSummary } from './downlink-status.js';
import { readLocation } from './location.js';
import { readNotification } from './notification.js';
import { readThingpark, type DocumentRoot, type ThingparkDocument } from './read.js';
import { readUplink } from './uplink.js';

const readers: Readonly<Record<DocumentRoot, (body: Fields) => ParsedMessage>> = {
  DevEUI_uplink: readUplink,
  DevEUI_downlink_Sent: readDownlinkSent,
  DevEUI_downlink_Rejected: readDownlinkRejected,
  DevEUI_location: readLocation,
  DevEUI_notification: readNotification,
  DevEUI_multicast_summary: readMulticastSummary,
  DevEUI_alarm: readDeviceAlarm,
  BS_alarm: readGatewayAlarm,
};

const parseThingpark = ({ root, body }: ThingparkDocument): ParsedMessage[] => {
  if (root !== undefined) return [readers[root](body)];
  const found = Object.keys(body.value).slice(0, 5).map((key) => key.slice(0, 50)).join(', ');
  throw new BridgeError('unsupported_document', { detail: found === '' ? 'the body is empty' : `the root must be one document that ThingPark sends; found ${found}` });
};

/** ThingPark: the LRC tunnel ("Basic HTTPS" connection) and ThingPark X IoT Flow. */
export const thingpark: NetworkServerAdapter<ThingparkDocument> = {
  kind: 'thingpark',
  methods: ['POST'],
  mediaTypes: ['application/json', 'text/json', 'application/xml', 'text/xml'],
  read: readThingpark,
  verifyToken,
  parse: parseThingpark,
};
