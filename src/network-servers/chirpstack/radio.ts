import type { Gateway, Position, Radio } from '../../messages/message.js';
import { fskDataRate, loraDataRate, lrFhssDataRate } from '../data-rate.js';
import { isEmpty, merged, present, restOf, type Building } from '../entries.js';
import { integerField, isObject, numberField, objectField, objectList, rememberingLast, textField, timeField, type Fields } from '../fields.js';
import { positionField } from '../position.js';
import type { Envelope } from './envelope.js';
import { bytesField } from './v3.js';

export interface RadioReading {
  readonly radio: Radio | undefined;
  /** What is left of `txInfo`. */
  readonly txInfo: Readonly<Record<string, unknown>> | undefined;
}

interface ModulationReading {
  readonly isLora: boolean;
  readonly radio: Radio;
}

/** The radio part of an event: `rxInfo`, or the one gateway of a `txack`, and `txInfo`. */
export const readRadio = ({ root, version }: Envelope): RadioReading => {
  const txInfo = objectField(root, 'txInfo');
  const modulation = txInfo === undefined ? { isLora: true, radio: {} } : readModulation(txInfo, version);
  const gateways = objectList(root, 'rxInfo').map((entry) => readGateway(entry, version, modulation.isLora));
  const transmitter = gatewayIdOf(root, version);
  if (transmitter !== undefined) gateways.push({ id: transmitter });
  const radio: Radio = present({
    dataRate: modulation.radio.dataRate,
    codingRate: modulation.radio.codingRate,
    frequencyHz: txInfo === undefined ? undefined : integerField(txInfo, 'frequency', 0, 0xffff_ffff),
    gateways: gateways.length === 0 ? undefined : gateways,
  });
  return {
    radio: isEmpty(radio) ? undefined : radio,
    txInfo: txInfo === undefined ? undefined : restOf(txInfo, modulation.isLora ? loraUsed : otherUsed),
  };
};

const loraUsed = new Set(['frequency', 'modulation', 'loRaModulationInfo']);
const otherUsed = new Set(['frequency']);

const gatewayIdOf = (fields: Fields, version: 3 | 4): string | undefined =>
  version === 4 ? textField(fields, 'gatewayId')?.toLowerCase() : bytesField(fields, 'gatewayID', 8);

/**
 * ChirpStack 4 nests the parameters as `modulation: { lora: { bandwidth in Hz } }`. ChirpStack 3 names the modulation and has
 * `loRaModulationInfo: { bandwidth in kHz }`; its marshaler JSON_V3 tells the frequency and `dr` only.
 */
const readModulation = (txInfo: Fields, version: 3 | 4): ModulationReading => {
  if (version === 3) return readModulation3(txInfo);
  const modulation = objectField(txInfo, 'modulation');
  const lora = modulation === undefined ? undefined : objectField(modulation, 'lora');
  const fsk = modulation === undefined ? undefined : objectField(modulation, 'fsk');
  const lrFhss = modulation === undefined ? undefined : objectField(modulation, 'lrFhss');
  if (fsk !== undefined) return { isLora: false, radio: present({ dataRate: fskDataRate(numberField(fsk, 'datarate')) }) };
  if (lrFhss !== undefined) {
    const dataRate = lrFhssDataRate(undefined, numberField(lrFhss, 'operatingChannelWidth'));
    return { isLora: false, radio: present({ dataRate, codingRate: codingRateOf(lrFhss) }) };
  }
  return { isLora: true, radio: lora === undefined ? {} : loraRadio(lora, 1) };
};

const readModulation3 = (txInfo: Fields): ModulationReading => {
  const fsk = objectField(txInfo, 'fskModulationInfo');
  if (fsk !== undefined) return { isLora: false, radio: present({ dataRate: fskDataRate(numberField(fsk, 'datarate')) }) };
  const lora = objectField(txInfo, 'loRaModulationInfo');
  return { isLora: true, radio: lora === undefined ? {} : loraRadio(lora, 1000) };
};

const loraRadio = (lora: Fields, hzPerUnit: 1 | 1000): Radio => {
  const bandwidth = numberField(lora, 'bandwidth');
  const bandwidthHz = bandwidth === undefined ? undefined : bandwidth * hzPerUnit;
  return present({ dataRate: loraDataRate(numberField(lora, 'spreadingFactor'), bandwidthHz), codingRate: codingRateOf(lora) });
};

/** `CR_4_5` and `CR_LI_4_5` (2.4 GHz, long interleaving) of ChirpStack 4; `4/5` of ChirpStack 3. */
const codingRateOf = (modulation: Fields): string | undefined => {
  const text = textField(modulation, 'codeRate') ?? textField(modulation, 'codeRateLegacy');
  return text === undefined ? undefined : codingRateOfText(text);
};

const codingRateOfText = rememberingLast((text): string | undefined => {
  const match = /^CR_(LI_)?(\d)_(\d)$/.exec(text);
  return match === null ? (text === 'CR_UNDEFINED' ? undefined : text) : `${match[2]}/${match[3]}${match[1] === undefined ? '' : 'LI'}`;
});

const gatewayUsed = new Set(['gatewayId', 'gatewayID', 'rssi', 'snr', 'loRaSNR', 'location', 'gwTime', 'time', 'channel', 'antenna']);

/**
 * One gateway's view. ChirpStack 4 leaves zeros out here, so an absent RSSI is 0 dBm and an absent SNR 0 dB; FSK has no
 * SNR, where ChirpStack 3 writes 0. A roaming partner may keep its gateway's id to itself.
 */
const readGateway = (entry: Fields, version: 3 | 4, isLora: boolean): Gateway => {
  const gateway: Building<Gateway> = { id: gatewayIdOf(entry, version) ?? 'unknown', rssiDbm: numberField(entry, 'rssi') ?? 0 };
  const snrDb = numberField(entry, 'snr') ?? (isLora ? (numberField(entry, 'loRaSNR') ?? 0) : undefined);
  if (snrDb !== undefined) gateway.snrDb = snrDb;
  const at = positionField(entry, 'location') ?? heliumPosition(entry);
  if (at !== undefined) addPosition(gateway, at);
  const time = timeField(entry, 'gwTime') ?? timeField(entry, 'time');
  if (time !== undefined) gateway.time = time.iso;
  const channel = integerField(entry, 'channel', 0, 0xffff_ffff);
  if (channel !== undefined) gateway.channel = channel;
  const antenna = integerField(entry, 'antenna', 0, 0xffff_ffff);
  if (antenna !== undefined) gateway.antenna = antenna;
  const native = nativeOf(entry);
  if (native !== undefined) gateway.native = native;
  return gateway;
};

const addPosition = (gateway: Building<Gateway>, { latitude, longitude, altitudeM }: Position): void => {
  gateway.latitude = latitude;
  gateway.longitude = longitude;
  if (altitudeM !== undefined) gateway.altitudeM = altitudeM;
};

/** Helium's network server is a ChirpStack 4 whose hotspots have their position as text in `metadata`. */
const heliumPosition = (entry: Fields): Position | undefined => {
  const metadata = entry.value['metadata'];
  if (!isObject(metadata)) return undefined;
  const latitude = Number.parseFloat(String(metadata['gateway_lat']));
  const longitude = Number.parseFloat(String(metadata['gateway_long']));
  return Number.isNaN(latitude) || Number.isNaN(longitude) ? undefined : { latitude, longitude };
};

const locationUsed = new Set(['latitude', 'longitude', 'altitude']);

const nativeOf = (entry: Fields): Record<string, unknown> | undefined => {
  const location = objectField(entry, 'location');
  const rest = restOf(entry, gatewayUsed);
  const restOfLocation = location === undefined ? undefined : restOf(location, locationUsed);
  return restOfLocation === undefined ? rest : merged(rest ?? {}, { location: restOfLocation });
};
