import type { NetworkServerKind } from '../../src/messages/message.js';
import type { BodyKind } from '../types.js';

/** What the bodies of one kind have in common. */
export interface Template {
  readonly networkServer: NetworkServerKind;
  readonly contentType: string;
  /** What follows `/in/{id}` in the URL. */
  readonly suffix: string;
  /**
   * The document in ASCII. In double braces stand `device` (8 hex digits), `frame` (decimal), `frameHex` (12 hex digits),
   * `sent` (epoch µs, 16 digits), `seconds` (epoch s) and `time` (ISO 8601 with µs, without zone) of the moment of sending.
   */
  readonly document: string;
}

/** Name of the field that carries the send time to the broker: in the decoded payload where there is one, else in `native`. */
export const sentField = 'sentMicros';

/** About 1.1 KB. The tags stay as they are from uplink to uplink, as those of real devices do. */
const chirpstack = JSON.stringify({
  deduplicationId: '{{device}}-0000-4000-8000-{{frameHex}}',
  time: '{{time}}+00:00',
  deviceInfo: {
    tenantId: '0d6c2f6e-41b7-4f0f-9a3c-6f3a5d1be770', tenantName: 'Quay and Sons',
    applicationId: '5b8b7d1c-7c0e-4b1e-8f55-21c9ad60e4f2', applicationName: 'Cold stores',
    deviceProfileId: 'e2a9c9a4-93d6-4a41-b1de-08f4c2b7a913', deviceProfileName: 'Temperature probe EU868',
    deviceName: 'probe-{{device}}', devEui: '70b3d5be{{device}}', deviceClassEnabled: 'CLASS_A', tags: { site: 'north' },
  },
  devAddr: '{{device}}', adr: true, dr: 5, fCnt: '{{frame}}', fPort: 2, confirmed: false, data: 'AWcA1wJoWgN0DPo=',
  object: { temperature: 21.5, humidity: 45, [sentField]: '{{sent}}' },
  rxInfo: [{
    gatewayId: '0016c001f15b2e07', uplinkId: 2716046021, gwTime: '{{time}}+00:00', rssi: -87, snr: 8.5, channel: 3, rfChain: 1,
    location: { latitude: 54.3213, longitude: 10.1349, altitude: 31 }, context: 'Yv0cgA==', metadata: { region_config_id: 'eu868' }, crcStatus: 'CRC_OK',
  }],
  txInfo: { frequency: 868300000, modulation: { lora: { bandwidth: 125000, spreadingFactor: 7, codeRate: 'CR_4_5' } } },
  regionConfigId: 'eu868',
});

const theThingsStack = JSON.stringify({
  end_device_ids: { device_id: 'probe-{{device}}', application_ids: { application_id: 'cold-stores' }, dev_eui: '70B3D5BE{{device}}', join_eui: '70B3D57ED0000C01', dev_addr: '{{device}}' },
  correlation_ids: ['as:up:{{device}}{{frameHex}}', 'gs:uplink:{{device}}{{frameHex}}'],
  received_at: '{{time}}Z',
  uplink_message: {
    session_key_id: 'AZTm0Hc4Z1yQ3k0v7b2JrA==', f_port: 2, f_cnt: '{{frame}}', frm_payload: 'AWcA1wJoWgN0DPo=',
    decoded_payload: { temperature: 21.5, humidity: 45, [sentField]: '{{sent}}' },
    rx_metadata: [{
      gateway_ids: { gateway_id: 'crane-2', eui: '58A0CBFFFE80C3D4' }, time: '{{time}}Z', timestamp: 3141592653, rssi: -87, channel_rssi: -87, snr: 8.5,
      location: { latitude: 54.3213, longitude: 10.1349, altitude: 31, source: 'SOURCE_REGISTRY' }, uplink_token: 'ChUKEwoHY3JhbmUtMhIIWKDL//6Aw9Q=', channel_index: 3, received_at: '{{time}}Z',
    }],
    settings: { data_rate: { lora: { bandwidth: 125000, spreading_factor: 7, coding_rate: '4/5' } }, frequency: '868300000', timestamp: 3141592653, time: '{{time}}Z' },
    received_at: '{{time}}Z', consumed_airtime: '0.061696s', network_ids: { net_id: '000013', ns_id: 'EC656E0000000181', tenant_id: 'quay', cluster_id: 'eu1' }, attributes: { site: 'north' },
  },
});

const customer = { loc: { lat: '54.32', lon: '10.13' }, alr: { pro: 'QUAY/P1', ver: '1' }, tags: ['site=north'], name: 'probe-{{device}}' };

const thingpark = JSON.stringify({
  DevEUI_uplink: {
    Time: '{{time}}+00:00', DevEUI: '70B3D5BE{{device}}', FPort: 2, FCntUp: '{{frame}}', ADRbit: 1, MType: 2, FCntDn: 12, payload_hex: '016700d702685a03740cfa', mic_hex: '5e0c77a1',
    Lrcid: '000000C9', LrrRSSI: -87, LrrSNR: 8.5, LrrESP: -87.6, SpFact: 7, SubBand: 'G1', Channel: 'LC3', DevLrrCnt: 1, Lrrid: '10AB0042', Late: 0, LrrLAT: 54.3213, LrrLON: 10.1349,
    Lrrs: { Lrr: [{ Lrrid: '10AB0042', Chain: 0, LrrRSSI: -87, LrrSNR: 8.5, LrrESP: -87.6 }] }, CustomerID: '100007788', CustomerData: customer, ModelCfg: '1:TWA_100007788.5.AS',
    BaseStationData: { doms: [], name: 'Crane 2' }, InstantPER: 0, MeanPER: 0.001, DevAddr: '{{device}}', TxPower: 14, NbTrans: 1, Frequency: 868.3, DynamicClass: 'A', [sentField]: '{{sent}}',
  },
});

const thingparkXml = [
  '<?xml version="1.0" encoding="UTF-8"?>',
  '<DevEUI_uplink xmlns="http://uri.actility.com/lora"><Time>{{time}}+00:00</Time><DevEUI>70B3D5BE{{device}}</DevEUI><FPort>2</FPort><FCntUp>{{frame}}</FCntUp>',
  '<ADRbit>1</ADRbit><MType>2</MType><FCntDn>12</FCntDn><payload_hex>016700d702685a03740cfa</payload_hex><mic_hex>5e0c77a1</mic_hex><Lrcid>000000C9</Lrcid>',
  '<LrrRSSI>-87.000000</LrrRSSI><LrrSNR>8.500000</LrrSNR><LrrESP>-87.600000</LrrESP><SpFact>7</SpFact><SubBand>G1</SubBand><Channel>LC3</Channel><DevLrrCnt>1</DevLrrCnt>',
  '<Lrrid>10AB0042</Lrrid><Late>0</Late><LrrLAT>54.321300</LrrLAT><LrrLON>10.134900</LrrLON>',
  '<Lrrs><Lrr><Lrrid>10AB0042</Lrrid><Chain>0</Chain><LrrRSSI>-87.000000</LrrRSSI><LrrSNR>8.500000</LrrSNR><LrrESP>-87.600000</LrrESP></Lrr></Lrrs>',
  `<CustomerID>100007788</CustomerID><CustomerData>${JSON.stringify(customer)}</CustomerData><ModelCfg>1:TWA_100007788.5.AS</ModelCfg>`,
  '<InstantPER>0.000000</InstantPER><MeanPER>0.001000</MeanPER><DevAddr>{{device}}</DevAddr><TxPower>14.000000</TxPower><NbTrans>1</NbTrans><Frequency>868.3</Frequency><DynamicClass>A</DynamicClass>',
  `<${sentField}>{{sent}}</${sentField}></DevEUI_uplink>`,
].join('\n');

/** As a callback's template may be, with a variable of the customer's own. */
const sigfox = JSON.stringify({ device: '{{device}}', time: '{{seconds}}', data: '016700d702685a0374', seqNumber: '{{frame}}', deviceTypeId: '5f0c1b7ae833d94c2a6d1e90', station: '2C5A', rssi: '-121.00', snr: '14.20', [sentField]: '{{sent}}' });

/** `"{{frame}}"` stands for a number wherever a network server sends one. */
const withNumbers = (json: string): string => json.replaceAll(/"\{\{(frame|sent|seconds)\}\}"/g, '{{$1}}');

export const templates: Readonly<Record<BodyKind, Template>> = {
  chirpstack: { networkServer: 'chirpstack', contentType: 'application/json', suffix: '?event=up', document: withNumbers(chirpstack) },
  'the-things-stack': { networkServer: 'the-things-stack', contentType: 'application/json', suffix: '/up', document: withNumbers(theThingsStack) },
  thingpark: { networkServer: 'thingpark', contentType: 'application/json', suffix: '', document: withNumbers(thingpark) },
  'thingpark-xml': { networkServer: 'thingpark', contentType: 'application/xml', suffix: '', document: thingparkXml },
  sigfox: { networkServer: 'sigfox', contentType: 'application/json', suffix: '/data/uplink', document: withNumbers(sigfox) },
};
