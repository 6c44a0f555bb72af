import type { IncomingHttpHeaders } from 'node:http';
import type { DeviceAddress } from '../messages/downlink.js';
import type { MessageFields, NetworkServerKind } from '../messages/message.js';

/** A webhook request as the ingress hands it to a network server's folder. */
export interface WebhookRequest {
  readonly method: string;
  /** What follows `/in/{networkServerId}`: `` or `/service/acknowledge`; percent-decoded. */
  readonly path: string;
  /** The query string as received, without `?`. */
  readonly rawQuery: string;
  readonly headers: IncomingHttpHeaders;
  /** The media type alone, lower case, without parameters; `` when there is no body. */
  readonly mediaType: string;
  readonly body: Buffer;
}

/** One message of a document, with what makes it recognisable when the network server sends it again. */
export interface ParsedMessage {
  readonly fields: MessageFields;
  /**
   * Everything that makes this message the same message when it comes a second time (the network server's own event id
   * where it has one), without the network server, device and type, which are added to it.
   */
  readonly idempotencyKey: string;
  /** Epoch ms of the event by the network server's clock, from the document itself; buckets the dedup key. */
  readonly eventTimeMs?: number;
  /** The bytes to publish in format `original`, where they are not the whole body (one line of a Sigfox batch). */
  readonly original?: Buffer;
  /** What is needed to send to the device beside its id. Small, and the same from one message to the next: it is stored when it changes. */
  readonly address?: DeviceAddress;
  /** The message asks for a downlink, which must be in the answer to this very request (`answer`). `device`: its id as the callback wrote it. */
  readonly downlinkRequest?: { readonly device: string };
}

/** Credentials of the network server's API that a webhook brought. They open one application. */
export interface ApiCredentials {
  readonly application: string;
  readonly apiKey: string;
}

/** The HTTP answer to a webhook that asked for downlinks. */
export interface WebhookAnswer {
  readonly status: number;
  readonly contentType?: string;
  readonly body?: string;
}

/** Settings of one configured network server that a parser or a proof may need. */
export interface NetworkServerSettings {
  /** Sigfox: which key of the callback holds which variable, beside the defaults (`{ "data": "payload" }` reads variable `data` from key `payload`). */
  readonly fields?: Readonly<Record<string, string>>;
  /** Sigfox: the line pattern of a batch callback as typed into the backend, variables between `;`: `{device};{time};{data};{seqNumber}`. */
  readonly batchPattern?: string;
  /** The Things Stack: hosts whose downlink addresses are believed. */
  readonly downlinkHosts?: readonly string[];
}

/** ThingPark's Token: the Tunnel Interface Authentication Key and, when set, the AS_ID that must have been signed. */
export interface TokenProof {
  readonly key: string;
  readonly asId?: string;
  /**
   * What is signed for documents other than uplinks with a payload is not published, so their Token may fail to verify. They are
   * refused then, unless this is `false`: it lets them pass with any Token, which anybody could write. Absent means true.
   */
  readonly strict?: boolean;
}

/**
 * One kind of network server. `Document` is its parsed body: read once, then checked and turned into messages.
 * Each function throws a BridgeError that names the field.
 */
export interface NetworkServerAdapter<Document = unknown> {
  readonly kind: NetworkServerKind;
  readonly methods: readonly string[];
  /** Media types it posts; a body with another one is refused with 415. */
  readonly mediaTypes: readonly string[];
  /** Bytes to document. @throws malformed_body */
  read(request: WebhookRequest, settings: NetworkServerSettings): Document;
  /** Proof that lies in the document itself (ThingPark's Token). @throws unauthenticated */
  verifyToken?(document: Document, request: WebhookRequest, proof: TokenProof): void;
  /** Document to messages. @throws invalid_field, unsupported_document */
  parse(document: Document, request: WebhookRequest, settings: NetworkServerSettings): ParsedMessage[];
  /** API credentials in the request, for whoever sends downlinks; to be kept in memory only. */
  credentials?(document: Document, request: WebhookRequest): ApiCredentials | undefined;
  /** The answer to a request with messages that asked for downlinks: one entry for each, without `payload` (hex) where none waits. */
  answer?(answers: readonly { readonly device: string; readonly payload?: string }[]): WebhookAnswer;
}
