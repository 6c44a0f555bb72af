import { createHash } from 'node:crypto';

/** One webhook as its network server would send it. */
export interface DemoWebhook {
  readonly title: string;
  /** Below `/in/`: network server id, further path, query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The topic on which AWS must receive it. */
  readonly topic: string;
}

/** Made-up secrets of the demo's network servers; they are in its configuration too. */
export const demoKeys = { chirpstack: 'demo-chirpstack-key', theThingsStack: 'demo-tts-token', sigfoxUser: 'sigfox', sigfoxPassword: 'demo-sigfox', thingparkAsKey: '5f3a9c1e7b2d48608a4c6e0f1b3d5a79', chirpstackToken: 'demo-chirpstack-token' } as const;

const json = { 'content-type': 'application/json' };

const thingparkUplink = (time: string): DemoWebhook => {
  const devEui = '70B3D5E75F000A01';
  const fCntUp = 1042;
  const payload = '0167fe00ee036c';
  const customerId = '100045678';
  const query = `LrnDevEui=${devEui}&LrnFPort=2&LrnInfos=TWA_100045678.77.AS-1-20391&AS_ID=TWA_100045678.77.AS&Time=${time}`;
  const token = createHash('sha256').update(`${customerId}${devEui}2${fCntUp}${payload}${query}${demoKeys.thingparkAsKey}`).digest('hex');
  const body = {
    DevEUI_uplink: {
      Time: time, DevEUI: devEui, FPort: 2, FCntUp: fCntUp, ADRbit: 1, MType: 4, FCntDn: 88, payload_hex: payload, mic_hex: '9a0b17c4', Lrcid: '000000CB',
      LrrRSSI: -71, LrrSNR: 8.5, LrrESP: -71.57, SpFact: 9, SubBand: 'G1', Channel: 'LC2', DevLrrCnt: 2, Lrrid: '10000A3F', Late: 0, LrrLAT: 45.76412, LrrLON: 4.83571,
      Lrrs: { Lrr: [{ Lrrid: '10000A3F', Chain: 0, LrrRSSI: -71, LrrSNR: 8.5, LrrESP: -71.57 }, { Lrrid: '10000B11', Chain: 0, LrrRSSI: -104, LrrSNR: -3.25, LrrESP: -109.1 }] },
      CustomerID: customerId, CustomerData: { name: 'Cold room 3', tags: ['site=Lyon', 'HACCP'] }, ModelCfg: '0', DevAddr: '05CA11ED', AckRequested: 1, TxPower: 14, NbTrans: 1, Frequency: 868.3, DynamicClass: 'A',
    },
  };
  return { title: 'ThingPark: uplink, typed JSON, signed with a Token', path: `thingpark?${query.replace(/\+/g, '%2B')}&Token=${token}`, headers: json, body: JSON.stringify(body), topic: `tpx/things/${devEui}/uplink` };
};

const thingparkReport = (time: string): DemoWebhook => {
  const devEui = '70B3D5E75F000A01';
  const body = `<?xml version="1.0" encoding="UTF-8"?>
<DevEUI_downlink_Sent xmlns="http://uri.actility.com/lora"><Time>${time}</Time><DevEUI>${devEui}</DevEUI><FPort>2</FPort><FCntDn>89</FCntDn><FCntUp>1042</FCntUp><Lrcid>000000CB</Lrcid><SpFact>9</SpFact><SubBand>G1</SubBand><Channel>LC2</Channel><Lrrid>10000A3F</Lrrid><DeliveryStatus>0</DeliveryStatus><DeliveryFailedCause1>A4</DeliveryFailedCause1><DeliveryFailedCause2>DA</DeliveryFailedCause2><CustomerID>100045678</CustomerID><TransmissionSlot>1</TransmissionSlot><CorrelationID>5C01D200AABB0017</CorrelationID></DevEUI_downlink_Sent>`;
  return { title: 'ThingPark: downlink report, XML', path: 'thingpark-reports', headers: { 'content-type': 'application/xml' }, body, topic: `tpx/things/${devEui}/downlink/status` };
};

const theThingsStackUplink = (time: string): DemoWebhook => {
  const body = {
    end_device_ids: { device_id: 'parking-17', application_ids: { application_id: 'city-parking' }, dev_eui: '0004A30B00F2C117', join_eui: '70B3D57ED0000001', dev_addr: '260B5C17' },
    correlation_ids: ['as:up:01JD3Q8ZK5T2V7B9N4M6P8R0S1'],
    received_at: time,
    uplink_message: {
      session_key_id: 'AZNNpQq3v0mW0y2Jq8b1Vg==', f_port: 1, f_cnt: 311, frm_payload: 'AQJk', decoded_payload: { occupied: true, battery: 3.61 },
      rx_metadata: [{ gateway_ids: { gateway_id: 'town-hall', eui: '58A0CBFFFE8017AB' }, time, timestamp: 3861447004, rssi: -93, channel_rssi: -93, snr: 7.2, location: { latitude: 52.37403, longitude: 4.88969, altitude: 24, source: 'SOURCE_REGISTRY' } }],
      settings: { data_rate: { lora: { bandwidth: 125000, spreading_factor: 7, coding_rate: '4/5' } }, frequency: '867500000' }, received_at: time, consumed_airtime: '0.051456s',
    },
  };
  return { title: 'The Things Stack: uplink_message', path: 'tts/up', headers: { ...json, authorization: `Bearer ${demoKeys.theThingsStack}` }, body: JSON.stringify(body), topic: 'tpx/things/0004A30B00F2C117/uplink' };
};

/** A ChirpStack v4 uplink; the demo numbers many of these for the outage. */
export const chirpstackUplink = (devEui: string, fCnt: number, time: string): DemoWebhook => {
  const body = {
    deduplicationId: `${devEui.slice(0, 8)}-${devEui.slice(8, 12)}-4000-8000-${fCnt.toString(16).padStart(12, '0')}`, time,
    deviceInfo: { tenantId: 'b1f0c9a2-6a8e-4c55-9d0e-3f1f5a7f1a01', tenantName: 'Factory', applicationId: '6c7d5d4e-1f50-4f1e-8f3c-0c7f6a1b2c03', applicationName: 'press-line', deviceProfileName: 'vibration', deviceName: `press-${devEui.slice(-2)}`, devEui, deviceClassEnabled: 'CLASS_A', tags: { hall: 'B' } },
    devAddr: '01d7e3f2', adr: true, dr: 5, fCnt, fPort: 3, confirmed: false, data: Buffer.from([fCnt >> 8, fCnt & 255, 0x2a]).toString('base64'), object: { rms: 0.42 + (fCnt % 7) / 100 },
    rxInfo: [{ gatewayId: '0016c001f11a2b3c', uplinkId: 40211 + fCnt, rssi: -57, snr: 9.8, location: { latitude: 48.8566, longitude: 2.3522 }, crcStatus: 'CRC_OK' }],
    txInfo: { frequency: 868100000, modulation: { lora: { bandwidth: 125000, spreadingFactor: 7, codeRate: 'CR_4_5' } } },
  };
  return { title: 'ChirpStack v4: up', path: 'chirpstack?event=up', headers: { ...json, 'x-api-key': demoKeys.chirpstack }, body: JSON.stringify(body), topic: `tpx/things/${devEui.toUpperCase()}/uplink` };
};

const chirpstackJoin = (time: string): DemoWebhook => {
  const devEui = '24e124c3b1a70042';
  const body = { deduplicationId: 'f2a1d6c0-5b58-4f6e-9a39-2f0f4f3e9b10', time, deviceInfo: { tenantName: 'Factory', applicationName: 'press-line', applicationId: '6c7d5d4e-1f50-4f1e-8f3c-0c7f6a1b2c03', deviceName: 'press-42', devEui, tags: {} }, devAddr: '01d7e3f9' };
  return { title: 'ChirpStack v4: join', path: 'chirpstack?event=join', headers: { ...json, 'x-api-key': demoKeys.chirpstack }, body: JSON.stringify(body), topic: `tpx/things/${devEui.toUpperCase()}/join` };
};

const basic = `Basic ${Buffer.from(`${demoKeys.sigfoxUser}:${demoKeys.sigfoxPassword}`).toString('base64')}`;

const sigfoxForm = (epochSeconds: number): DemoWebhook => ({
  title: 'Sigfox: DATA/UPLINK, form',
  path: 'sigfox/data/uplink',
  headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: basic },
  body: `device=2C30EB&time=${epochSeconds}&data=0d1f00a67e&seqNumber=877&rssi=-129.00&station=35A9&snr=11.20`,
  topic: 'tpx/things/2C30EB/uplink',
});

const sigfoxAdvanced = (epochSeconds: number): DemoWebhook => ({
  title: 'Sigfox: DATA_ADVANCED, JSON with a computed location',
  path: 'sigfox/service/data_advanced',
  headers: { ...json, authorization: basic },
  body: JSON.stringify({ device: '2C30EB', time: epochSeconds, data: '0d1f00a67e', seqNumber: 877, lqi: 'Good', linkQuality: '2', operatorName: 'SIGFOX_France', countryCode: '250', computedLocation: { lat: 43.60426, lng: 1.44367, radius: 1750, source: 2, status: 1 } }),
  topic: 'tpx/things/2C30EB/location',
});

/** Webhooks of all four network servers, in the formats they post. */
export const demoWebhooks = (now: Date): DemoWebhook[] => {
  const iso = now.toISOString();
  const withZone = iso.replace('Z', '+00:00');
  const epochSeconds = Math.floor(now.getTime() / 1000);
  return [thingparkUplink(withZone), thingparkReport(withZone), theThingsStackUplink(iso), chirpstackUplink('24e124c3b1a70042', 97, iso), chirpstackJoin(iso), sigfoxForm(epochSeconds), sigfoxAdvanced(epochSeconds)];
};

const chirpstackReport = (event: 'txack' | 'ack', devEui: string, queueId: string, time: string): DemoWebhook => {
  const common = { deduplicationId: `9a7e5c31-0000-4000-8000-${event === 'txack' ? '000000000001' : '000000000002'}`, time, deviceInfo: { tenantName: 'Factory', applicationName: 'press-line', deviceName: 'press-42', devEui, tags: {} }, queueItemId: queueId, fCntDown: 12 };
  const body = event === 'ack' ? { ...common, acknowledged: true } : { ...common, downlinkId: 7001, gatewayId: '0016c001f11a2b3c', txInfo: { frequency: 869525000, modulation: { lora: { bandwidth: 125000, spreadingFactor: 12, codeRate: 'CR_4_5' } } } };
  return { title: `ChirpStack v4: ${event}`, path: `chirpstack?event=${event}`, headers: { ...json, 'x-api-key': demoKeys.chirpstack }, body: JSON.stringify(body), topic: `tpx/things/${devEui.toUpperCase()}/downlink/status` };
};

/** What ChirpStack reports about a confirmed downlink: a gateway sent it, then the device acknowledged it. */
export const chirpstackReports = (devEui: string, queueId: string, time: string): DemoWebhook[] => [chirpstackReport('txack', devEui, queueId, time), chirpstackReport('ack', devEui, queueId, time)];

/** A bidirectional callback: the device asks for a downlink, and the answer is it. */
export const sigfoxBidir = (epochSeconds: number): DemoWebhook => ({
  title: 'Sigfox: DATA/BIDIR, form, with ack=true',
  path: 'sigfox/data/bidir',
  headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: basic },
  body: `device=2C30EB&time=${epochSeconds}&data=0d1f00a67f&seqNumber=878&ack=true`,
  topic: 'tpx/things/2C30EB/uplink',
});

export const sigfoxAcknowledge = (epochSeconds: number): DemoWebhook => ({
  title: 'Sigfox: SERVICE/ACKNOWLEDGE, form',
  path: 'sigfox/service/acknowledge',
  headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: basic },
  body: `device=2C30EB&time=${epochSeconds}&infoCode=0&infoMessage=Acked&downlinkAck=true&downlinkOverusage=false`,
  topic: 'tpx/things/2C30EB/downlink/status',
});
