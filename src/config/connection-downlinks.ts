import type { Loose, Report } from './field.js';
import { boolean, duration, id, integer, secret, text } from './scalars.js';

/** The largest rate: ThingPark X IoT Flow's own limit of downlinks, 100 a second (its AWS connector's documentation), is the default. */
export const connectionDownlinks = {
  downlinkEnabled: boolean({ description: 'Take downlinks from AWS. `false`: nothing is subscribed.' }).prefault(true),
  downlinksPerSecond: integer({ description: 'Most downlinks that are submitted in any second, over all replicas.' }, { min: 1, max: 10_000 }).prefault(100),
  downlinkPort: integer({ description: 'FPort of downlinks that name none; they are rejected when it is absent.', hint: '1' }, { min: 1, max: 223 }).optional(),
  downlinkAsId: text({ description: 'ThingPark: AS_ID of downlinks that name none, in place of the one of the network server.', hint: 'TPX.1' }).optional(),
  downlinkAsKey: secret({ description: 'ThingPark: key that those downlinks are signed with.', hint: '${THINGPARK_AS_KEY}' }).optional(),
  downlinkValidity: duration({ description: 'How long a downlink that names no validity time is tried.' }, { min: '1s', max: '30d' }).prefault('24h'),
  downlinkNetworkServer: id({ description: 'Network server of devices that were never heard; without it their downlinks are rejected.', hint: 'factory' }).optional(),
  sharedSubscription: boolean({ description: 'Subscribe as a member of a group, so that several bridges get each downlink once.', defaultNote: 'true where Redis is configured' }).optional(),
};

export const checkDownlinkSigning = ({ downlinkAsId, downlinkAsKey }: Loose, report: Report): void => {
  if (downlinkAsId !== undefined && downlinkAsKey === undefined) report(['downlinkAsKey'], 'is required with downlinkAsId');
  if (downlinkAsId === undefined && downlinkAsKey !== undefined) report(['downlinkAsId'], 'is required with downlinkAsKey');
};
