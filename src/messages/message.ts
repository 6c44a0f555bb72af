/**
 * The messages of the domain, the same for every network server. Units are in the names or here: dBm, dB, Hz,
 * degrees WGS 84, metres, percent. Times are RFC 3339 in UTC with milliseconds. Absent means the network server did not say.
 */

export type NetworkServerKind = 'thingpark' | 'the-things-stack' | 'chirpstack' | 'sigfox';

export const messageTypes = ['uplink', 'join', 'location', 'status', 'downlink-status', 'alarm'] as const;
export type MessageType = (typeof messageTypes)[number];

/** One gateway's (base station's) view of the transmission. */
export interface Gateway {
  readonly id: string;
  readonly rssiDbm?: number;
  readonly snrDb?: number;
  readonly latitude?: number;
  readonly longitude?: number;
  readonly altitudeM?: number;
  readonly time?: string;
  readonly channel?: number | string;
  readonly antenna?: number;
  /** Anything else the network server said about this gateway, under its own names. */
  readonly native?: Readonly<Record<string, unknown>>;
}

export interface Radio {
  /** LoRa as `SF7BW125` (bandwidth in kHz). */
  readonly dataRate?: string;
  readonly frequencyHz?: number;
  readonly codingRate?: string;
  readonly gateways?: readonly Gateway[];
}

export interface DeviceInfo {
  readonly name?: string;
  readonly application?: string;
  readonly applicationId?: string;
  readonly profile?: string;
  /** LoRaWAN class: A, B or C. */
  readonly class?: string;
  /** Key-value tags; a network server with plain tags (ThingPark) gives `{"tag": ""}`, and `site=Paris` gives `{"site": "Paris"}`. */
  readonly tags?: Readonly<Record<string, string>>;
}

export interface Position {
  readonly latitude: number;
  readonly longitude: number;
  readonly altitudeM?: number;
  readonly accuracyM?: number;
  /** What the position was computed from, in the network server's own word. */
  readonly source?: string;
}

/** What every message may carry, whatever its type. */
export interface CommonFields {
  /** 16 lower-case hex digits for LoRaWAN; the Sigfox id in lower-case hex; else the network server's own device id. */
  readonly deviceId: string;
  readonly devEui?: string;
  /** When it happened, by the network server's clock. */
  readonly time?: string;
  readonly joinEui?: string;
  readonly devAddr?: string;
  readonly radio?: Radio;
  readonly device?: DeviceInfo;
  /** Everything else that the network server said and that has no name of ours, under its own names. */
  readonly native?: Readonly<Record<string, unknown>>;
}

export interface UplinkFields extends CommonFields {
  readonly type: 'uplink';
  readonly fPort?: number;
  readonly fCnt?: number;
  readonly confirmed?: boolean;
  readonly adr?: boolean;
  /** FRMPayload (or Sigfox data) in lower-case hex; empty when the device sent none. */
  readonly payload: string;
  /** True when the payload is still encrypted with the AppSKey. */
  readonly encrypted?: boolean;
  /** Output of the network server's own payload decoder. */
  readonly decoded?: unknown;
  /** A position known for the device at the time of the uplink. */
  readonly position?: Position;
}

export interface JoinFields extends CommonFields {
  readonly type: 'join';
}

export interface LocationFields extends CommonFields {
  readonly type: 'location';
  readonly position: Position;
}

export interface StatusFields extends CommonFields {
  readonly type: 'status';
  /** What kind of status, such as `battery`, `reset`, `service`, in lower case. */
  readonly event: string;
  readonly batteryPercent?: number;
  readonly batteryV?: number;
  readonly externalPower?: boolean;
  /** Demodulation margin of the DevStatusAns, dB (LoRaWAN 1.0.4, 5.5). */
  readonly marginDb?: number;
  readonly temperatureC?: number;
}

export type DownlinkState = 'queued' | 'submitted' | 'sent' | 'acknowledged' | 'failed' | 'expired' | 'rejected';

export interface DownlinkStatusFields extends CommonFields {
  readonly type: 'downlink-status';
  readonly state: DownlinkState;
  /** The network server's own name of the event, such as `downlink_nack` or `txack`; absent when the bridge itself reports. */
  readonly event?: string;
  /** The downlink's id in the bridge, where it is one that the bridge carries. */
  readonly downlinkId?: string;
  /** The caller's own id of that downlink. */
  readonly correlationId?: string;
  /** Which attempt to submit it this is about; 0 before the first. */
  readonly attempt?: number;
  readonly fPort?: number;
  readonly fCnt?: number;
  /** Ids by which the network server names the downlink. */
  readonly correlationIds?: readonly string[];
  readonly cause?: { readonly code?: string; readonly text?: string };
}

export interface AlarmFields extends CommonFields {
  readonly type: 'alarm';
  readonly severity?: string;
  readonly code?: string;
  readonly text?: string;
}

/** A message as a network server's parser makes it, before the bridge gives it an id. */
export type MessageFields = UplinkFields | JoinFields | LocationFields | StatusFields | DownlinkStatusFields | AlarmFields;

/** What the bridge adds when it accepts a message. */
export interface Stamp {
  /** Hash of the idempotency key, 32 hex digits: a consumer drops a redelivery by it. */
  readonly id: string;
  /** Absent only for a downlink that was rejected before its network server was known. */
  readonly networkServer?: { readonly id: string; readonly kind: NetworkServerKind };
  readonly receivedAt: string;
}

export type Message = Stamp & MessageFields;

/** Puts the bridge's stamp on parsed fields, in the order in which messages are published. */
export const stampMessage = (stamp: Stamp, fields: MessageFields): Message => {
  const message = headOf(stamp, fields);
  addRest(message, fields as unknown as Readonly<Record<string, unknown>>);
  return message as unknown as Message;
};

const headOf = ({ id, networkServer, receivedAt }: Stamp, { deviceId, devEui, time, type }: MessageFields): Record<string, unknown> => {
  // Nearly all are so. In one literal, because V8 gives up an object's quick form for one that has more than twelve entries added by a computed key.
  if (devEui !== undefined && networkServer !== undefined && time !== undefined) return { id, type, deviceId, devEui, networkServer, time, receivedAt };
  return {
    id,
    type,
    deviceId,
    ...(devEui === undefined ? {} : { devEui }),
    ...(networkServer === undefined ? {} : { networkServer }),
    ...(time === undefined ? {} : { time }),
    receivedAt,
  };
};

/** All that does not stand in front. Entry by entry: V8 takes a microsecond and more for a spread in the middle of an object. */
const addRest = (message: Record<string, unknown>, fields: Readonly<Record<string, unknown>>): void => {
  for (const key in fields) {
    if (key !== 'deviceId' && key !== 'devEui' && key !== 'time' && key !== 'type') message[key] = fields[key];
  }
};
