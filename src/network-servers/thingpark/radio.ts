import type { Gateway, Radio } from '../../messages/message.js';
import { merged, present, restOf } from '../entries.js';
import { numberField, objectField, objectList, required, textField, type Fields } from '../fields.js';

export interface ReadRadio {
  readonly radio?: Radio;
  readonly used: readonly string[];
}

const gatewayKeys: ReadonlySet<string> = new Set(['Lrrid', 'LrrRSSI', 'LrrSNR']);

/** One base station (LRR); its id in lower case, as device ids are. */
const readGateway = (fields: Fields): Gateway =>
  present({
    id: required(textField(fields, 'Lrrid'), fields, 'Lrrid').toLowerCase(),
    rssiDbm: numberField(fields, 'LrrRSSI'),
    snrDb: numberField(fields, 'LrrSNR'),
    native: restOf(fields, gatewayKeys),
  });

const bestKeys = ['LrrRSSI', 'LrrSNR', 'LrrESP', 'LrrLAT', 'LrrLON'] as const;

/** LrrLAT and LrrLON belong to the best base station, whose id stands at the top; 0,0 is how an unknown position looks. */
const withPosition = (gateway: Gateway, body: Fields): Gateway => {
  const latitude = numberField(body, 'LrrLAT');
  const longitude = numberField(body, 'LrrLON');
  const unknown = latitude === undefined || longitude === undefined || (latitude === 0 && longitude === 0);
  return unknown ? gateway : merged(gateway, { latitude, longitude });
};

/** The best base station from the top of the document, where there is no list. */
const topGateway = (body: Fields): Gateway[] => {
  const id = textField(body, 'Lrrid');
  if (id === undefined) return [];
  const esp = numberField(body, 'LrrESP');
  return [present({ id: id.toLowerCase(), rssiDbm: numberField(body, 'LrrRSSI'), snrDb: numberField(body, 'LrrSNR'), native: esp === undefined ? undefined : { LrrESP: esp } })];
};

const readGateways = (body: Fields): { readonly gateways: Gateway[]; readonly used: readonly string[] } => {
  const best = textField(body, 'Lrrid')?.toLowerCase();
  const lrrs = objectField(body, 'Lrrs');
  const listed = lrrs === undefined ? [] : objectList(lrrs, 'Lrr').map(readGateway);
  const gateways = (listed.length === 0 ? topGateway(body) : listed).map((gateway) => (gateway.id === best ? withPosition(gateway, body) : gateway));
  return { gateways, used: gateways.some(({ id }) => id === best) ? bestKeys : [] };
};

/** ThingPark tells the spreading factor alone, and in a join request spells it `Spfact`; the bandwidth is not told. */
const spreadingKey = (body: Fields): string | undefined => {
  const key = textField(body, 'SpFact') === undefined ? 'Spfact' : 'SpFact';
  return /^([5-9]|1[0-2])$/.test(textField(body, key) ?? '') ? key : undefined;
};

/** Frequency comes in MHz. */
const frequencyHz = (body: Fields): number | undefined => {
  const megahertz = numberField(body, 'Frequency');
  return megahertz === undefined ? undefined : Math.round(megahertz * 1e6);
};

/** Radio metadata of an uplink or of a transmitted downlink, and the keys that were read for it. */
export const readRadio = (body: Fields): ReadRadio => {
  const { gateways, used } = readGateways(body);
  const key = spreadingKey(body);
  const radio = present({
    dataRate: key === undefined ? undefined : `SF${textField(body, key)}`,
    frequencyHz: frequencyHz(body),
    gateways: gateways.length === 0 ? undefined : gateways,
  });
  return {
    ...(Object.keys(radio).length === 0 ? {} : { radio }),
    used: ['Lrrs', 'Frequency', ...used, ...(key === undefined ? [] : [key])],
  };
};
