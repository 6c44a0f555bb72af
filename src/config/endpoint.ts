import { amazonRoots } from './amazon-roots.js';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** AWS IoT Core, "Protocols, port mappings, and authentication". */
export const defaultMqttPort = 8883;
const defaultWssPort = 443;

const named = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?)(?::(\d{1,5}))?$/;

/** `host`, `host:port` or `[IPv6]:port`; undefined where the text is neither. */
export const parseEndpoint = (text: string): { readonly host: string; readonly port?: number } | undefined => {
  const [, host, port] = named.exec(text) ?? [];
  if (host === undefined || (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))) return undefined;
  const plain = host.replace(/^\[|\]$/g, '');
  return port === undefined ? { host: plain } : { host: plain, port: Number(port) };
};

/**
 * The data endpoint of an account (AWS IoT Core, "Connecting devices"): `<prefix>-ats.iot.<region>.amazonaws.com`; in Ningxia the
 * same under `.amazonaws.com.cn`; in Beijing a dot in place of the dash. The prefix may be given with or without its `-ats`.
 */
export const dataEndpoint = (accountPrefix: string, region: string): string => {
  const prefix = accountPrefix.replace(/[.-]ats$/, '');
  const separator = region === 'cn-north-1' ? '.' : '-';
  return `${prefix}${separator}ats.iot.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
};

export interface EndpointSettings {
  readonly endpoint?: { readonly host: string; readonly port?: number } | undefined;
  readonly accountPrefix?: string | undefined;
  readonly region?: string | undefined;
  readonly port?: number | undefined;
  readonly protocol?: 'SSL' | 'WSS' | undefined;
  readonly caCertificate?: string | undefined;
}

/** Where a connection's sessions go. */
export const endpointOf = ({ endpoint, accountPrefix, region, port, protocol }: EndpointSettings): Endpoint => ({
  host: endpoint?.host ?? dataEndpoint(accountPrefix ?? '', region ?? ''),
  port: endpoint?.port ?? port ?? (protocol === 'WSS' ? defaultWssPort : defaultMqttPort),
});

/** The region in a name of AWS IoT, of the data or the control plane, behind a private link too; undefined in any other name. */
export const endpointRegion = (host: string): string | undefined =>
  /(?:^|\.)iot(?:-fips)?\.([a-z]{2}(?:-[a-z]+)+-\d)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$/i.exec(host)?.[1]?.toLowerCase();

export interface RegionSettings extends EndpointSettings {
  readonly registryEndpoint?: string | undefined;
}

/** The region of a connection's account: as written, else as the names of its endpoints tell it; undefined where neither does. */
export const regionOf = ({ region, endpoint, registryEndpoint }: RegionSettings): string | undefined =>
  region ?? (endpoint === undefined ? undefined : endpointRegion(endpoint.host)) ?? (registryEndpoint === undefined ? undefined : endpointRegion(new URL(registryEndpoint).hostname));

const isAwsHost = (host: string): boolean => /\.amazonaws\.com(\.cn)?$/i.test(host);

/**
 * The roots that the endpoint's certificate must chain to, PEM: the connection's own; for names of AWS the Amazon roots; undefined
 * for any other name, where Node's own list of roots holds.
 */
export const trustedRoots = (settings: EndpointSettings): readonly string[] | undefined => {
  if (settings.caCertificate !== undefined) return [settings.caCertificate];
  return isAwsHost(endpointOf(settings).host) ? amazonRoots() : undefined;
};
