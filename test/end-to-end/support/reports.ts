import type { HttpAnswer, TestBridge } from './bridge.js';
import { apiSecrets, type DownlinkApi } from './downlink-api.js';
import type { Arrival } from './network-server.js';
import { theThingsStackDeviceId } from './the-things-stack-api.js';

/** A webhook of a network server: what follows `/in/{id}`, and the document. */
export interface Webhook {
  readonly path: string;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a network server may report about a downlink that it has. */
export type Report = 'queued' | 'sent' | 'acknowledged' | 'unacknowledged' | 'failed' | 'rejected';

/** The webhooks of one network server; a report that it does not know is absent. */
export interface Reports {
  uplink(devEui: string, fCnt: number): Webhook;
  readonly of: { readonly [K in Report]?: (arrival: Arrival) => Webhook };
}

const now = (): string => new Date().toISOString();

const thingparkReport = (root: string, { devEui, fPort }: Arrival, more: object): Webhook => ({
  path: '',
  body: { [root]: { Time: now().replace('Z', '+00:00'), DevEUI: devEui.toUpperCase(), FPort: fPort, CustomerID: '100045678', ...more } },
});

const thingparkSent = (arrival: Arrival, more: object): Webhook =>
  thingparkReport('DevEUI_downlink_Sent', arrival, {
    FCntDn: arrival.fCnt, FCntUp: 12, Lrcid: '000000CB', SpFact: 9, SubBand: 'G1', Channel: 'LC2', Lrrid: '10000A3F', TransmissionSlot: 1,
    ...(arrival.correlationIds[0] === undefined ? {} : { CorrelationID: arrival.correlationIds[0] }), ...more,
  });

const thingpark: Reports = {
  uplink: (devEui, fCnt) => ({
    path: '',
    body: { DevEUI_uplink: { Time: now().replace('Z', '+00:00'), DevEUI: devEui.toUpperCase(), FPort: 2, FCntUp: fCnt, MType: 2, payload_hex: '01020304', Lrcid: '000000CB', LrrRSSI: -71, LrrSNR: 8.5, SpFact: 9, Lrrid: '10000A3F', CustomerID: '100045678', DevAddr: '05CA11ED' } },
  }),
  of: {
    sent: (arrival) => thingparkSent(arrival, { DeliveryStatus: 1, DeliveryFailedCause1: '00', DeliveryFailedCause2: '00' }),
    failed: (arrival) => thingparkSent(arrival, { DeliveryStatus: 0, DeliveryFailedCause1: 'B0', DeliveryFailedCause2: 'DA' }),
    rejected: (arrival) => thingparkReport('DevEUI_downlink_Rejected', arrival, { DeliveryStatus: 350, DownlinkRejectionCause: `Downlink counter value already used. Expected=${arrival.fCnt + 1}` }),
  },
};

const stackMessage = (devEui: string, message: object): Webhook => ({
  path: '',
  body: {
    end_device_ids: { device_id: theThingsStackDeviceId(devEui), application_ids: { application_id: apiSecrets.applicationId }, dev_eui: devEui.toUpperCase(), join_eui: '70B3D57ED0000001', dev_addr: '260B5C17' },
    received_at: now(),
    ...message,
  },
});

/** An uplink whose webhook has a downlink API key: then The Things Stack tells address and key in headers. */
export const uplinkWithAddress = (devEui: string, fCnt: number, server: string): Webhook => {
  const base = `${server}/api/v3/as/applications/${apiSecrets.applicationId}/webhooks/${apiSecrets.webhookId}/devices/${theThingsStackDeviceId(devEui)}/down`;
  return { ...theThingsStack.uplink(devEui, fCnt), headers: { 'x-downlink-apikey': apiSecrets.apiToken, 'x-downlink-push': `${base}/push`, 'x-downlink-replace': `${base}/replace` } };
};

const stackDownlink = ({ fPort, fCnt, payload = '', confirmed, correlationIds, id }: Arrival): object => ({
  session_key_id: 'AZNNpQq3v0mW0y2Jq8b1Vg==', f_port: fPort, f_cnt: fCnt, frm_payload: Buffer.from(payload, 'hex').toString('base64'), ...(confirmed ? { confirmed } : {}), priority: 'NORMAL', correlation_ids: [`as:downlink:${id}`, ...correlationIds],
});

const stackReport = (name: string) => (arrival: Arrival): Webhook => stackMessage(arrival.devEui, { correlation_ids: [`as:downlink:${arrival.id}`], [name]: stackDownlink(arrival) });

const theThingsStack: Reports = {
  uplink: (devEui, fCnt) => stackMessage(devEui, { uplink_message: { session_key_id: 'AZNNpQq3v0mW0y2Jq8b1Vg==', f_port: 2, f_cnt: fCnt, frm_payload: 'AQIDBA==', rx_metadata: [{ gateway_ids: { gateway_id: 'town-hall' }, rssi: -93, snr: 7.2 }], settings: { data_rate: { lora: { bandwidth: 125000, spreading_factor: 7 } }, frequency: '867500000' } } }),
  of: {
    queued: stackReport('downlink_queued'),
    sent: stackReport('downlink_sent'),
    acknowledged: stackReport('downlink_ack'),
    unacknowledged: stackReport('downlink_nack'),
    failed: (arrival) => stackMessage(arrival.devEui, { downlink_failed: { downlink: stackDownlink(arrival), error: { namespace: 'pkg/networkserver', name: 'application_downlink_too_long', message_format: 'application downlink payload is too long', correlation_id: arrival.id.replaceAll('-', ''), code: 3 } } }),
  },
};

const chirpstackMessage = (event: string, devEui: string, message: object): Webhook => ({
  path: `?event=${event}`,
  body: {
    time: now(),
    deviceInfo: { tenantId: 'b1f0c9a2-6a8e-4c55-9d0e-3f1f5a7f1a01', tenantName: 'Factory', applicationId: '6c7d5d4e-1f50-4f1e-8f3c-0c7f6a1b2c03', applicationName: 'press-line', deviceProfileName: 'vibration', deviceName: `press-${devEui.slice(-4)}`, devEui, deviceClassEnabled: 'CLASS_A', tags: {} },
    ...message,
  },
});

const chirpstackAck = (acknowledged: boolean) => ({ devEui, id, fCnt }: Arrival): Webhook =>
  chirpstackMessage('ack', devEui, { deduplicationId: id.replace(/^.{8}/, '00000000'), queueItemId: id, acknowledged, fCntDown: fCnt });

const chirpstack: Reports = {
  uplink: (devEui, fCnt) => chirpstackMessage('up', devEui, { deduplicationId: `${devEui.slice(0, 8)}-${devEui.slice(8, 12)}-4000-8000-${fCnt.toString(16).padStart(12, '0')}`, devAddr: '01d7e3f2', adr: true, dr: 5, fCnt, fPort: 2, confirmed: false, data: 'AQIDBA==', rxInfo: [], txInfo: { frequency: 868100000 } }),
  of: {
    sent: ({ devEui, id, fCnt }) => chirpstackMessage('txack', devEui, { downlinkId: Number.parseInt(id.slice(0, 8), 16), queueItemId: id, fCntDown: fCnt, gatewayId: '0016c001f153a14c', txInfo: { frequency: 867900000, power: 14 } }),
    acknowledged: chirpstackAck(true),
    unacknowledged: chirpstackAck(false),
  },
};

/** The JSON marshaler of version 3 writes ids as bytes. */
const version3Message = (event: string, devEui: string, message: object): Webhook => ({
  path: `?event=${event}`,
  body: { applicationID: '12', applicationName: 'press-line', deviceName: `press-${devEui.slice(-4)}`, devEUI: Buffer.from(devEui, 'hex').toString('base64'), publishedAt: now(), tags: {}, ...message },
});

const chirpstackVersion3: Reports = {
  uplink: (devEui, fCnt) => version3Message('up', devEui, { devAddr: 'AdfjIg==', adr: true, dr: 5, fCnt, fPort: 2, confirmedUplink: false, data: 'AQIDBA==', objectJSON: '', rxInfo: [], txInfo: { frequency: 868100000, modulation: 'LORA', loRaModulationInfo: { bandwidth: 125, spreadingFactor: 7, codeRate: '4/5', polarizationInversion: false } } }),
  of: {
    sent: ({ devEui, fCnt }) => version3Message('txack', devEui, { fCnt, gatewayID: 'AwMDAwMDAwM=', txInfo: { frequency: 868100000, power: 14, modulation: 'LORA', loRaModulationInfo: { bandwidth: 125, spreadingFactor: 7, codeRate: '4/5', polarizationInversion: true } } }),
    acknowledged: ({ devEui, fCnt }) => version3Message('ack', devEui, { rxInfo: [], acknowledged: true, fCnt }),
    unacknowledged: ({ devEui, fCnt }) => version3Message('ack', devEui, { rxInfo: [], acknowledged: false, fCnt }),
  },
};

export const reportsOf: Readonly<Record<DownlinkApi, Reports>> = { thingpark, 'the-things-stack': theThingsStack, chirpstack, 'chirpstack-v3': chirpstackVersion3 };

/** Posts a webhook of the network server `id` to the bridge. */
export const postWebhook = (bridge: TestBridge, id: string, { path, body, headers }: Webhook): Promise<HttpAnswer> =>
  bridge.call(`/in/${id}${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });

/** Posts and expects that the bridge has accepted it. */
export const report = async (bridge: TestBridge, id: string, webhook: Webhook): Promise<void> => {
  const { status, body } = await postWebhook(bridge, id, webhook);
  if (status !== 204) throw new Error(`the bridge answered ${status} to a webhook of ${id}: ${body}`);
};
