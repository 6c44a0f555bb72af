import type { Gateway, Radio } from '../../messages/message.js';
import { fskDataRate, loraDataRate, lrFhssDataRate } from '../data-rate.js';
import { present, restOf } from '../entries.js';
import { hexField, integerField, numberField, objectField, objectList, textField, timeField, type Fields } from '../fields.js';
import { positionField } from '../position.js';

export interface RadioReading {
  readonly radio: Radio | undefined;
  /** What is left of `settings`. */
  readonly settings: Readonly<Record<string, unknown>> | undefined;
}

/** The radio part of an uplink: `settings` and one entry of `rx_metadata` for each antenna of each gateway. */
export const readRadio = (message: Fields): RadioReading => {
  const settings = objectField(message, 'settings');
  const rate = settings === undefined ? undefined : objectField(settings, 'data_rate');
  const isLora = rate === undefined || objectField(rate, 'lora') !== undefined;
  const gateways = objectList(message, 'rx_metadata').map((entry) => readGateway(entry, isLora));
  const radio = present({
    ...(rate === undefined ? {} : readDataRate(rate)),
    ...(settings === undefined ? {} : readSettings(settings)),
    gateways: gateways.length === 0 ? undefined : gateways,
  });
  return {
    radio: Object.keys(radio).length === 0 ? undefined : radio,
    settings: settings === undefined ? undefined : restOf(settings, settingsUsed),
  };
};

const settingsUsed = new Set(['data_rate', 'frequency', 'coding_rate']);

/** `frequency` is in Hz, as text: an unsigned 64-bit integer in protobuf's JSON. Older releases write `coding_rate` here. */
const readSettings = (settings: Fields): Radio => {
  return present({ frequencyHz: integerField(settings, 'frequency', 0, Number.MAX_SAFE_INTEGER), codingRate: textField(settings, 'coding_rate') });
};

const readDataRate = (rate: Fields): Radio => {
  const lora = objectField(rate, 'lora');
  const fsk = objectField(rate, 'fsk');
  const lrFhss = objectField(rate, 'lrfhss');
  if (lora !== undefined) {
    const dataRate = loraDataRate(numberField(lora, 'spreading_factor'), numberField(lora, 'bandwidth'));
    return present({ dataRate, codingRate: textField(lora, 'coding_rate') });
  }
  if (fsk !== undefined) return present({ dataRate: fskDataRate(numberField(fsk, 'bit_rate')) });
  if (lrFhss === undefined) return {};
  const dataRate = lrFhssDataRate(numberField(lrFhss, 'modulation_type'), numberField(lrFhss, 'operating_channel_width'));
  return present({ dataRate, codingRate: textField(lrFhss, 'coding_rate') });
};

const gatewayUsed = new Set(['gateway_ids', 'rssi', 'snr', 'location', 'time', 'channel_index', 'antenna_index']);

/**
 * One antenna's view. A zero is left out, so a LoRa reception with an RSSI and no SNR had one of 0 dB; without an RSSI neither is
 * known. Behind Packet Broker all gateways have the id `packetbroker`: there the forwarder's gateway EUI is the id, if told.
 */
const readGateway = (entry: Fields, isLora: boolean): Gateway => {
  const ids = objectField(entry, 'gateway_ids');
  const broker = objectField(entry, 'packet_broker');
  const eui = ids === undefined ? undefined : hexField(ids, 'eui', { bytes: 8 });
  const forwarderEui = broker === undefined ? undefined : hexField(broker, 'forwarder_gateway_eui', { bytes: 8 });
  const name = ids === undefined ? undefined : textField(ids, 'gateway_id');
  const rssiDbm = numberField(entry, 'rssi') ?? numberField(entry, 'channel_rssi');
  const at = positionField(entry, 'location');
  const id = eui ?? forwarderEui ?? name ?? 'unknown';
  return present({
    id,
    rssiDbm,
    snrDb: numberField(entry, 'snr') ?? (isLora && rssiDbm !== undefined ? 0 : undefined),
    latitude: at?.latitude,
    longitude: at?.longitude,
    altitudeM: at?.altitudeM,
    time: timeField(entry, 'time')?.iso,
    channel: integerField(entry, 'channel_index', 0, 255),
    antenna: integerField(entry, 'antenna_index', 0, 255),
    native: nativeOf(entry, name === id ? undefined : name),
  });
};

const locationUsed = new Set(['latitude', 'longitude', 'altitude']);

const nativeOf = (entry: Fields, gatewayId: string | undefined): Record<string, unknown> | undefined => {
  const location = objectField(entry, 'location');
  const native = present({
    gateway_id: gatewayId,
    ...restOf(entry, gatewayUsed),
    location: location === undefined ? undefined : restOf(location, locationUsed),
  });
  return Object.keys(native).length === 0 ? undefined : native;
};
