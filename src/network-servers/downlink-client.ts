import type { DeviceAddress, Downlink, SubmitOutcome } from '../messages/downlink.js';
import type { ApiCredentials } from './network-server.js';

/** How the downlink API of one configured network server is reached. What a kind does not know it ignores. */
export interface DownlinkSettings {
  /** Base address of the API, `http` or `https`. */
  readonly url?: string;
  /** ChirpStack: API token. The Things Stack: API key, instead of the one that webhooks bring. */
  readonly apiToken?: string;
  /** Longest time for one attempt, from the call to the last byte of the answer. */
  readonly timeoutMs: number;
  /** PEM certificates that the API's certificate must chain to; Node's own list when absent. */
  readonly ca?: readonly string[];
  /** HTTP proxy (CONNECT), `http` or `https`, perhaps with credentials. */
  readonly proxy?: string;
  /** ChirpStack: version of the API; as the device's webhooks show it when absent. */
  readonly api?: 'v3' | 'v4';
  /** ThingPark: AS_ID and the LRC-AS key of it, both or none. */
  readonly asId?: string;
  readonly asKey?: string;
  /** The Things Stack: application of devices whose webhooks did not name one. */
  readonly applicationId?: string;
  readonly webhookId?: string;
  /** The Things Stack: hosts (`eu1.example.com`, `10.0.0.5:1885`) to which downlinks may go because a webhook said so. */
  readonly allowedHosts?: readonly string[];
}

/** ThingPark: what a connection's downlinks are signed with, in place of the network server's own. */
export interface DownlinkSigning {
  readonly asId: string;
  readonly asKey: string;
}

/** The downlink side of one configured network server. */
export interface DownlinkClient {
  /** `submit`: the API is called. `mailbox`: downlinks wait until the network asks for them. */
  readonly delivery: 'submit' | 'mailbox';
  /** @throws BridgeError `invalid_field` or `downlink_unsupported`, naming the field where it is one, when this network server can never take it */
  check(downlink: Downlink): void;
  /** Ids of the bridge's making by which events will name the downlink, as the events write them; compare without case. */
  idsOf(downlink: Downlink): readonly string[];
  /** One attempt for a downlink that was checked. Never throws; ends within `timeoutMs`. */
  submit?(downlink: Downlink, address: DeviceAddress, signing?: DownlinkSigning): Promise<SubmitOutcome>;
  /** Whether the network server can still report something after this state. */
  reportsAfter(state: 'submitted' | 'sent', downlink: Downlink): boolean;
  /** Takes credentials that a webhook brought: kept in memory only. */
  learn?(credentials: ApiCredentials): void;
  /** Waits for attempts under way, then closes all connections. */
  close(): Promise<void>;
}
