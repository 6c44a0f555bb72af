import { crossCheck, section } from './field.js';
import { byteSize, integer, networks, text } from './scalars.js';
import { certificate, checkPair, privateKey } from './credentials.js';

const host = (example: string, description: string) => text({ description, example });
const port = (example: number, description: string) => integer({ description, example }, { min: 0, max: 65_535 });

const tls = section('Serve the webhooks over HTTPS. Without it, put the bridge behind a proxy that does.', {
  certificate: certificate({ description: 'Certificate of the listener, with its chain.', hint: 'certs/ingress.pem' }),
  privateKey: privateKey({ description: 'Private key of the certificate.', hint: 'certs/ingress.key' }),
}).check(crossCheck(checkPair));

export const ingressSchema = section('The public listener, which takes the webhooks.', {
  host: host('0.0.0.0', 'Address to listen on.').prefault('0.0.0.0'),
  port: port(8080, 'Port to listen on; 0 picks a free one.').prefault(8080),
  tls: tls.optional(),
  trustedProxies: networks({ description: 'Proxies whose X-Forwarded-For is believed. Needed before `sources` mean anything behind a proxy.' }).prefault([]),
  bodyLimit: byteSize({ description: 'Longest webhook body.' }, { min: '1KB', max: '16MiB' }).prefault('1MiB'),
}).prefault({});

export const privateSchema = section('The private listener: /live, /ready, /health, /metrics. Not for the internet.', {
  host: host('127.0.0.1', 'Address to listen on.').prefault('127.0.0.1'),
  port: port(9090, 'Port to listen on; 0 picks a free one.').prefault(9090),
}).prefault({});
