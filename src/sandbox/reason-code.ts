/** Reason codes of MQTT 5 (MQTT 5.0, 2.4) that AWS IoT Core documents. */
export const reasonCode = {
  success: 0x00,
  disconnectWithWill: 0x04,
  unspecified: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  clientIdInvalid: 0x85,
  notAuthorized: 0x87,
  serverShuttingDown: 0x8b,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  quotaExceeded: 0x97,
  administrative: 0x98,
  qosNotSupported: 0x9b,
  subscriptionIdsNotSupported: 0xa1,
} as const;

/** Why a connection ended, with the code of the DISCONNECT that an MQTT 5 client gets first; null = it gets none. */
export const closeReasons = {
  client_disconnect: null,
  connection_lost: null,
  cut: null,
  misbehaviour: null,
  certificate_not_active: reasonCode.notAuthorized,
  not_authorized: reasonCode.notAuthorized,
  malformed_packet: reasonCode.malformedPacket,
  protocol_error: reasonCode.protocolError,
  stopping: reasonCode.serverShuttingDown,
  keep_alive_timeout: reasonCode.keepAliveTimeout,
  duplicate_client_id: reasonCode.sessionTakenOver,
  topic_invalid: reasonCode.topicNameInvalid,
  receive_maximum_exceeded: reasonCode.receiveMaximumExceeded,
  topic_alias_invalid: reasonCode.topicAliasInvalid,
  packet_too_large: reasonCode.packetTooLarge,
  administrative: reasonCode.administrative,
  qos_not_supported: reasonCode.qosNotSupported,
  subscription_ids_not_supported: reasonCode.subscriptionIdsNotSupported,
} as const satisfies Record<string, number | null>;

export type CloseReason = keyof typeof closeReasons;

/** Why a client was not let in at all, with the code of the CONNACK for MQTT 5 and the return code for 3.1.1; null = closed without CONNACK. */
export const refusalReasons = {
  certificate_not_active: { v5: null, v4: null },
  not_signed: { v5: null, v4: null },
  not_authorized: { v5: reasonCode.notAuthorized, v4: null },
  client_id_invalid: { v5: reasonCode.clientIdInvalid, v4: 0x02 },
  protocol_version: { v5: null, v4: 0x01 },
  will_topic_invalid: { v5: reasonCode.topicNameInvalid, v4: null },
  will_qos_not_supported: { v5: reasonCode.qosNotSupported, v4: null },
  packet_size_too_small: { v5: reasonCode.unspecified, v4: null },
  authentication_method: { v5: reasonCode.unspecified, v4: null },
  connect_rate: { v5: reasonCode.quotaExceeded, v4: null },
  misbehaviour: { v5: reasonCode.unspecified, v4: null },
} as const satisfies Record<string, { readonly v5: number | null; readonly v4: number | null }>;

export type RefusalReason = keyof typeof refusalReasons;
