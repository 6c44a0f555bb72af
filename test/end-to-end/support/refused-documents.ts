import type { TestCertificates } from '../../support/certificates.js';
import { seedConnection, type SandboxPlaces } from './live-scene.js';
import { newPrivateKey, type Markers } from './markers.js';

export interface RefusedParts {
  readonly scene: SandboxPlaces;
  readonly markers: Markers;
  readonly certificates: TestCertificates;
}

/** Documents that are refused, with secrets where they belong and where they do not. */
export const refusedDocuments = ({ scene, markers, certificates }: RefusedParts): readonly (readonly [path: string, body: unknown])[] => {
  const connection = (configuration: object): object => seedConnection(scene, { certificateId: '', ...configuration }, { id: 'refused' });
  const server = (more: object): object => ({ id: 'refused', kind: 'chirpstack', authenticate: 'none', ...more });
  const text = (name: string): string => markers.text(`refused-${name}`);
  return [
    ['/connections', connection({ secretAccesKey: text('unknown-key') })],
    ['/connections', connection({ privateKey: text('no-pem') })],
    ['/connections', connection({ privateKey: `-----BEGIN PRIVATE KEY-----\n${text('broken-pem')}\n-----END PRIVATE KEY-----\n` })],
    ['/connections', connection({ privateKey: markers.adopt('refused-pair', newPrivateKey()) })],
    ['/connections', connection({ certificate: markers.adopt('refused-certificate', newPrivateKey()) })],
    ['/connections', connection({ caCertificate: markers.adopt('refused-ca', newPrivateKey()) })],
    ['/connections', connection({ privateKey: markers.adopt('encrypted-key', certificates.encryptedKey) })],
    ['/connections', connection({ privateKey: [text('list')] })],
    ['/connections', connection({ secretAccessKey: { value: text('mapping') } })],
    ['/connections', connection({ downlinkAsKey: text('lone-as-key') })],
    ['/connections', connection({ endpoint: `https://user:${text('endpoint')}@localhost` })],
    ['/connections', connection({ registryEndpoint: `https://user:${text('registry')}@localhost` })],
    ['/connections', { ...connection({ secretAccessKey: text('taken') }), id: 'main' }],
    ['/connections', { ...connection({}), connectorId: 'other', privateKey: text('at-the-top') }],
    ['/network-servers', server({ authenticate: text('word') })],
    ['/network-servers', server({ authenticate: { bearer: [text('bearer-list')] } })],
    ['/network-servers', server({ authenticate: { bearer: text('two-ways'), basic: { username: 'a:b', password: text('two-ways-basic') } } })],
    ['/network-servers', server({ authenticate: { header: { name: 'x-api-key', value: '', vaule: text('typo') } } })],
    ['/network-servers', server({ downlink: { url: `http://user:${text('url')}@localhost`, apiToken: text('api-token') } })],
    ['/network-servers', server({ downlink: { url: 'http://localhost', proxy: `ftp://user:${text('proxy')}@localhost` } })],
    ['/network-servers', server({ kind: 'sigfox', downlink: { apiToken: text('sigfox') } })],
    ['/network-servers', { ...server({ authenticate: { bearer: text('taken-id') } }), id: 'filed' }],
    ['/flows', { id: 'refused', connections: ['main'], apiToken: text('flow') }],
    ['/tokens', { name: 'x', role: 'king', token: text('token') }],
    ['/downlinks', { deviceId: '00aa000000000020', fPort: 1, payload: '00', Token: text('downlink'), AS_KEY: text('downlink-key') }],
  ];
};
