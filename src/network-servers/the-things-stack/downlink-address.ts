import type { IncomingHttpHeaders } from 'node:http';
import type { DeviceAddress, Downlink } from '../../messages/downlink.js';
import { apiUrl, below, unsupported } from '../downlink-check.js';
import type { DownlinkSettings } from '../downlink-client.js';
import { present } from '../entries.js';
import type { EndDevice } from './ids.js';

/** Where the downlinks of a device go, and whose API key opens it. */
export interface DownlinkTargetUrl {
  readonly url: URL;
  readonly application: string;
}

const downPath = /\/as\/applications\/([^/]+)\/webhooks\/([^/]+)\/devices\/([^/]+)\/down\/(push|replace)$/;

/** Only a program on this machine could listen in on loopback. */
const isLoopback = (hostname: string): boolean => hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);

/** An entry without a port allows every port of the host. */
const isAllowed = (url: URL, hosts: readonly string[]): boolean => hosts.some((host) => [url.hostname, url.host].includes(host.toLowerCase()));

/**
 * An address that a webhook named, if downlinks (and with them the API key) may go there: an allowed host, by TLS, and nothing in it
 * but the path of the webhook's downlinks.
 */
export const trustedUrl = (text: string | undefined, operation: 'push' | 'replace', hosts: readonly string[]): URL | undefined => {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !isAllowed(url, hosts)) return undefined;
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) return undefined;
  const bare = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  return bare && downPath.exec(url.pathname)?.[4] === operation ? url : undefined;
};

const headerText = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === 'string' && value.length <= 1024 ? value : undefined;
};

/** What a webhook tells about the way back to its device. */
export const addressOf = (device: EndDevice, headers: IncomingHttpHeaders, hosts: readonly string[] = []): DeviceAddress =>
  present({
    deviceId: device.name,
    applicationId: device.applicationId,
    push: trustedUrl(headerText(headers, 'x-downlink-push'), 'push', hosts)?.href,
    replace: trustedUrl(headerText(headers, 'x-downlink-replace'), 'replace', hosts)?.href,
  });

/** The cluster's address ends in `/api/v3`, with which it may be configured or without. */
export const clusterUrl = (text: string): URL => {
  const url = apiUrl(text);
  return /\/api\/v3\/*$/.test(url.pathname) ? url : below(url, '/api/v3');
};

/** The Things Stack's `device_id`. A device without DevEUI has it as device id here too. */
const deviceName = ({ deviceId }: Downlink, address: DeviceAddress): string | undefined =>
  address['deviceId'] ?? (/^[0-9a-f]{16}$/i.test(deviceId) ? undefined : deviceId);

const configuredUrl = (base: URL, downlink: Downlink, { address, settings }: { readonly address: DeviceAddress; readonly settings: DownlinkSettings }): DownlinkTargetUrl => {
  const application = address['applicationId'] ?? settings.applicationId;
  const device = deviceName(downlink, address);
  const { webhookId } = settings;
  if (device === undefined) throw unsupported("the device's device_id at The Things Stack is not known: none of its webhooks came yet");
  if (application === undefined) throw unsupported("the device's application is not known: no webhook named it, and no downlink.applicationId is configured");
  if (webhookId === undefined) throw unsupported('no downlink.webhookId is configured');
  const [app, webhook, name] = [application, webhookId, device].map(encodeURIComponent);
  return { application, url: below(base, `/as/applications/${app}/webhooks/${webhook}/devices/${name}/down/${downlink.flush ? 'replace' : 'push'}`) };
};

/** The configured address, else the one that the device's webhooks named, which is checked again: settings may have changed since. @throws downlink_unsupported */
export const targetOf = (downlink: Downlink, address: DeviceAddress, { base, settings }: { readonly base: URL | undefined; readonly settings: DownlinkSettings }): DownlinkTargetUrl => {
  if (base !== undefined) return configuredUrl(base, downlink, { address, settings });
  const operation = downlink.flush ? 'replace' : 'push';
  const url = trustedUrl(address[operation], operation, settings.allowedHosts ?? []);
  const application = url === undefined ? undefined : downPath.exec(url.pathname)?.[1];
  if (url === undefined || application === undefined) throw unsupported(`no webhook of the device brought an X-Downlink-${operation === 'push' ? 'Push' : 'Replace'} of an allowed host`);
  return { url, application };
};
