import type { TLSSocket } from 'node:tls';
import type { Broker } from './broker.js';
import type { IssuedCertificate } from './issue-certificate.js';
import type { Door } from './listener.js';
import { certificateIdOf } from './registry.js';

export interface CertificateDoorOptions {
  readonly broker: Broker;
  readonly ca: IssuedCertificate;
  readonly server: IssuedCertificate;
}

/** AWS's ALPN name for MQTT with certificates on port 443; a client that offers none is served too, as on 8883. */
const alpnProtocols = ['x-amzn-mqtt-ca'];
/** How long a client that is turned away may take to hang up. */
const lingerMs = 1000;

/** The certificate id of a client that may come in. AWS trusts registered certificates by themselves, whoever signed them. */
const admittedCertificate = (socket: TLSSocket, { registry }: Broker): string | undefined => {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined || Date.parse(certificate.validTo) < Date.now()) return undefined;
  const certificateId = certificateIdOf(certificate.raw);
  return registry.status(certificateId) === 'ACTIVE' ? certificateId : undefined;
};

const turnAway = (socket: TLSSocket, { books }: Broker): void => {
  socket.on('error', () => undefined);
  socket.resume().end();
  setTimeout(() => socket.destroy(), lingerMs).unref();
  books.note({ kind: 'connect-refused', at: Date.now(), clientId: '', reason: 'certificate_not_active' });
};

/** MQTT on TLS with a client certificate, which the registry knows as ACTIVE. */
export const createCertificateDoor = ({ broker, ca, server }: CertificateDoorOptions): Door => ({
  tls: {
    key: server.privateKey,
    cert: server.certificate,
    ca: ca.certificate,
    requestCert: true,
    rejectUnauthorized: false, // the registry decides, after the handshake
    ALPNProtocols: alpnProtocols,
  },
  knock: (socket, accept) => {
    const id = admittedCertificate(socket, broker);
    if (id === undefined) turnAway(socket, broker);
    else accept(socket, { id, decide: (request) => broker.registry.decide(id, request) });
  },
});
