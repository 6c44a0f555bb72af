/**
 * The closed table of failure reasons. One row serves the HTTP answer, the log field `reason`, the metric label
 * `reason` and the table in README.md, so the same failure has the same name wherever it is seen.
 */

export type RetryClass = 'later' | 'never';

export interface ReasonRow {
  /** Status of the HTTP answer where the reason ends a request; absent where it never does. */
  readonly httpStatus?: number;
  /** Whether the same request or message may succeed when it is tried again unchanged. */
  readonly retry: RetryClass;
  readonly title: string;
  readonly description: string;
  /** Answers only of the private API; a webhook never gets them. */
  readonly only?: 'api';
}

export const reasons = {
  malformed_body: { httpStatus: 400, retry: 'never', title: 'The body cannot be read', description: 'The body is not valid JSON, XML or form data, as its media type promises.' },
  invalid_field: { httpStatus: 400, retry: 'never', title: 'A field is missing or wrong', description: 'A field that the message cannot do without is missing or has a wrong value; the answer names it.' },
  unsupported_document: { httpStatus: 400, retry: 'never', title: 'Not an event of this network server', description: 'The body is readable but is no document type that this kind of network server posts.' },
  unauthenticated: { httpStatus: 401, retry: 'never', title: 'The sender did not prove itself', description: 'The header, credentials or Token that the network server is configured with are missing or wrong.' },
  source_not_allowed: { httpStatus: 403, retry: 'never', title: 'The sender is not in the allowed networks', description: 'The source address is outside the `sources` of the network server.' },
  unknown_route: { httpStatus: 404, retry: 'never', title: 'No such address', description: 'The path names no configured network server and no other route.' },
  method_not_allowed: { httpStatus: 405, retry: 'never', title: 'The method is not allowed here', description: 'This kind of network server does not call with this HTTP method.' },
  body_too_large: { httpStatus: 413, retry: 'never', title: 'The body is too large', description: 'The body is longer than `ingress.bodyLimit`.' },
  unsupported_media_type: { httpStatus: 415, retry: 'never', title: 'The media type is not supported', description: 'This kind of network server does not post this Content-Type.' },
  bad_request: { httpStatus: 400, retry: 'never', title: 'The HTTP request is malformed', description: 'The request breaks HTTP itself: a bad header, length or encoding.' },
  internal_error: { httpStatus: 500, retry: 'later', title: 'The bridge failed', description: 'A fault of the bridge itself; its log holds the cause under the same request id.' },
  outbox_full: { httpStatus: 503, retry: 'later', title: 'The outbox is full', description: 'The backlog reached `outbox.maxBytes` or `outbox.maxMessages`; nothing more is accepted until some of it is delivered.' },
  store_unavailable: { httpStatus: 503, retry: 'later', title: 'The store cannot be written', description: 'Durable storage failed (disk full, read-only, I/O error) and the message could not be handed to AWS directly.' },
  slot_lost: { retry: 'later', title: 'Another replica took the slot over', description: 'The lease of this replica ran out (it was paused, or cut off from Redis) and another one took over its part of the outbox and its MQTT client ids. It goes on under a new slot by itself.' },
  stopping: { httpStatus: 503, retry: 'later', title: 'The bridge is stopping', description: 'The daemon is shutting down and accepts nothing more.' },
  topic_unresolved: { retry: 'never', title: 'A keyword of the topic pattern has no value', description: 'The message lacks a value that the topic pattern names and that has no fallback.' },
  topic_invalid: { retry: 'never', title: 'The topic breaks an AWS limit', description: 'The rendered topic is empty, over 256 bytes, or has more than 7 slashes.' },
  payload_too_large: { retry: 'never', title: 'The payload is over 128 KB', description: 'AWS IoT Core disconnects a client that publishes more than 128 KB.' },
  not_decoded: { retry: 'never', title: 'There is no decoded payload', description: 'The connection publishes decoded payloads only and the message carries none.' },
  expired: { retry: 'never', title: 'The message is too old', description: 'The validity time of the message ended before AWS acknowledged it.' },
  publish_forbidden: { retry: 'never', title: 'AWS does not allow this topic', description: 'The IoT policy does not allow publishing on the topic: AWS refused it or closed the session while other topics were accepted.' },
  publish_refused: { retry: 'never', title: 'AWS refused the publish', description: 'The PUBACK carried an error that will not change by trying again.' },
  publish_throttled: { retry: 'later', title: 'AWS throttled the publish', description: 'The PUBACK carried quota exceeded, or another error that passes.' },
  publish_timeout: { retry: 'later', title: 'No PUBACK came in time', description: 'AWS discards what is over a quota without an answer; the publish is sent again.' },
  session_lost: { retry: 'later', title: 'The MQTT session closed', description: 'The session ended while the publish was unacknowledged; it is sent again on another session.' },
  client_id_taken_over: { retry: 'later', title: 'Another client uses the same client id', description: 'AWS closed the session because a second client connected with its client id.' },
  dns_failed: { retry: 'later', title: 'The endpoint name does not resolve', description: 'DNS gave no address for the endpoint.' },
  endpoint_unreachable: { retry: 'later', title: 'The endpoint cannot be reached', description: 'The TCP connection was refused, reset or timed out.' },
  tls_failed: { retry: 'later', title: 'The TLS handshake failed', description: 'The server certificate is not trusted, or the endpoint does not speak TLS.' },
  certificate_refused: { retry: 'later', title: 'The client certificate was refused', description: 'The certificate is unknown, inactive or expired at AWS, or no policy allows it to connect.' },
  connect_refused: { retry: 'later', title: 'MQTT CONNECT was refused', description: 'The broker answered CONNECT with an error, or closed without an answer.' },
  connect_timeout: { retry: 'later', title: 'The connect took too long', description: 'DNS, TCP, TLS and MQTT CONNECT together exceeded the connect timeout.' },
  connection_held: { retry: 'later', title: 'Nothing is allowed on this connection', description: 'Every topic tried was refused, so the connection is held and tried again at intervals; nothing is parked.' },
  unknown_device: { retry: 'never', title: 'The device was never heard', description: 'No network server ever sent a message of this device, and no network server is configured for devices that were never heard.' },
  device_not_routed: { retry: 'never', title: 'The device belongs to another connection', description: 'Only devices whose messages go to a connection may be commanded from it.' },
  downlink_unsupported: { retry: 'never', title: 'The network server takes no such downlink', description: 'The network server has no downlink API configured, or cannot carry what the downlink asks for.' },
  downlink_queue_full: { retry: 'later', title: 'Too many downlinks wait', description: 'As many downlinks as `downlinks.maxWaiting` allows wait for this connection.' },
  downlink_replaced: { retry: 'never', title: 'A later downlink replaced it', description: 'A downlink with `flush`, or a newer one for the same mailbox, took the place of this one before it was submitted.' },
  network_server_unreachable: { retry: 'later', title: 'The network server cannot be reached', description: 'DNS, TCP or TLS to the downlink API failed; nothing was sent.' },
  network_server_unauthorised: { retry: 'later', title: 'The network server refuses the credentials', description: 'The downlink API answered 401 or 403, or no API key is known yet: check `downlink` of the network server.' },
  network_server_busy: { retry: 'later', title: 'The network server cannot take it now', description: 'The downlink API answered 408, 425, 429 or 5xx.' },
  network_server_refused: { retry: 'never', title: 'The network server refused the downlink', description: 'The downlink API answered that it will not take this downlink; the status carries its own words.' },
  network_server_timeout: { retry: 'later', title: 'The network server did not answer', description: 'The downlink was sent and no answer came in time: whether it was taken is unknown, and `downlink.onUnknown` says what follows.' },
  attempts_exhausted: { retry: 'never', title: 'Every attempt failed', description: 'The downlink was tried as often as `downlink.attempts` allows.' },
  subscribe_refused: { retry: 'later', title: 'AWS refused the subscription', description: 'The IoT policy does not allow subscribing to the downlink topics, or the persistent session.' },
  redis_unavailable: { retry: 'later', title: 'Redis cannot be reached', description: 'Redis did not answer; downlinks wait, uplinks go on.' },
  redis_unsafe: { retry: 'never', title: 'Redis may lose downlinks', description: 'Redis must run with `maxmemory-policy noeviction` and `appendonly yes`.' },
  config_invalid: { retry: 'never', title: 'The configuration is wrong', description: 'Each wrong value is reported as `path: message`.' },
  data_dir_in_use: { retry: 'later', title: 'The data directory is in use', description: 'Another bridge runs on the same `dataDir`.' },
  no_connection: { httpStatus: 503, retry: 'later', title: 'There is no connection', description: 'No AWS IoT Core connection is configured yet, so there is nowhere to take messages to; make one through the API or in the file.' },
  no_flow: { retry: 'never', title: 'No flow wants the message', description: 'Flows are configured, and none of them matches; the message is counted as filtered.' },
  type_not_wanted: { retry: 'never', title: 'The connections take uplinks only', description: 'Every connection of the message has `sendMetadata` or `sendRawDecodedFormat`, with which ThingPark X sends uplinks only; the message is counted as filtered.' },
  validity_ended: { retry: 'never', title: 'The message became too old', description: 'Its validity time ended before AWS acknowledged it, and the configuration says to park such messages.' },
  connection_deleted: { retry: 'never', title: 'The connection was deleted', description: 'The message waited for a connection that was deleted with `backlog=park`.' },
  downlink_deleted: { retry: 'never', title: 'The downlink was deleted', description: 'Somebody deleted the waiting downlinks of the device through the API.' },
  thing_missing: { retry: 'never', title: 'The thing does not exist', description: '`createDevices` is false and AWS has no thing of this name, so the uplink is skipped, as in ThingPark X.' },
  thing_foreign: { retry: 'never', title: 'The thing belongs to another system', description: 'A thing of this name exists without the ownership attribute of this bridge, so it is not touched; `things.takeOver` changes that.' },
  thing_invalid: { retry: 'never', title: 'AWS takes no such thing', description: "The rendered thing name or an attribute breaks AWS's rules of length or characters." },
  registry_forbidden: { retry: 'later', title: 'The AWS credentials lack a permission', description: 'The registry of AWS IoT refused a call; the detail names the IAM action and resource.' },
  registry_throttled: { retry: 'later', title: 'The registry of AWS throttles', description: 'AWS answered ThrottlingException; the call is repeated more slowly.' },
  registry_refused: { retry: 'never', title: 'The registry of AWS refused the call', description: 'AWS answered an error that repeating does not change; the detail holds its words.' },
  registry_unreachable: { retry: 'later', title: 'The registry of AWS cannot be reached', description: 'DNS, TCP, TLS or HTTP to the control plane failed, or it answered 5xx.' },
  aws_credentials_missing: { retry: 'later', title: 'There are no AWS credentials', description: 'Neither access keys, nor the provider chain, nor the role to assume gave credentials.' },
  low_message_rate: { retry: 'later', title: 'Too few messages come', description: 'In the calendar window of an alarm fewer uplinks an hour came than `uplinkRateMinPerHour`.' },
  invalid_resource: { httpStatus: 400, retry: 'never', title: 'The resource is wrong', description: 'One or more fields are wrong; `errors` lists each with its path.', only: 'api' },
  unknown_resource: { httpStatus: 404, retry: 'never', title: 'There is no such resource', description: 'Nothing with this id exists.', only: 'api' },
  resource_exists: { httpStatus: 409, retry: 'never', title: 'The id is taken', description: 'A resource of this kind with this id exists.', only: 'api' },
  resource_in_use: { httpStatus: 409, retry: 'never', title: 'The resource is in use', description: 'Others refer to it; the detail names them.', only: 'api' },
  resource_read_only: { httpStatus: 409, retry: 'never', title: 'The resource comes from the file', description: 'It is declared in the configuration file and can only be changed there.', only: 'api' },
  resource_changed: { httpStatus: 412, retry: 'never', title: 'Somebody else changed it', description: 'The ETag of If-Match is not the current one; read the resource again.', only: 'api' },
  flow_required: { httpStatus: 409, retry: 'never', title: 'A flow is needed first', description: "With two or more connections messages go by flows only, so that no customer's data reaches another.", only: 'api' },
  backlog_present: { httpStatus: 409, retry: 'never', title: 'Messages wait for the connection', description: 'Say with `backlog=park` or `backlog=discard` what becomes of them.', only: 'api' },
  token_required: { httpStatus: 401, retry: 'never', title: 'A token is needed', description: 'The private API asks for `Authorization: Bearer`; the token is missing, unknown or expired.', only: 'api' },
  role_too_low: { httpStatus: 403, retry: 'never', title: 'The token may not do this', description: 'The role of the token does not allow it.', only: 'api' },
  secrets_locked: { httpStatus: 503, retry: 'later', title: 'Secrets cannot be opened', description: 'A stored secret was sealed with a key that the bridge does not have: see `secrets` in the configuration.', only: 'api' },
  store_corrupt: { retry: 'never', title: 'The store is damaged', description: 'The file of the outbox or of the downlinks is truncated or overwritten; it is set aside, never served from.' },
} as const satisfies Record<string, ReasonRow>;

export type Reason = keyof typeof reasons;

export interface BridgeErrorOptions {
  /** What exactly is wrong, for a person; must hold no secret. */
  readonly detail?: string;
  /** Path of the wrong field in the caller's own document, such as `uplink_message.f_port`. */
  readonly field?: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
  /** What was asked for may have been done all the same: its answer did not come. */
  readonly mayBeDone?: boolean;
}

/** A failure with one reason from the table; everything else about it follows from the reason. */
export class BridgeError extends Error {
  override readonly name = 'BridgeError';
  readonly reason: Reason;
  readonly detail: string | undefined;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly mayBeDone: boolean;

  constructor(reason: Reason, options: BridgeErrorOptions = {}) {
    const { title } = reasons[reason];
    const where = options.field === undefined ? '' : `${options.field}: `;
    super(`${where}${options.detail ?? title}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.detail = options.detail;
    this.field = options.field;
    this.retryAfterMs = options.retryAfterMs;
    this.mayBeDone = options.mayBeDone ?? false;
  }

  get row(): ReasonRow {
    return reasons[this.reason];
  }
}

/** The error for a field that is missing or wrong in what a caller sent. */
export const fieldError = (field: string, detail: string): BridgeError => new BridgeError('invalid_field', { field, detail });

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether it is an error of the system, or of a library, with this code: `ENOENT`. */
export const hasCode = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code;
