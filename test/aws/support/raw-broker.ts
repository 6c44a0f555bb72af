import { generate, parser as createParser, type Packet } from 'mqtt-packet';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { Test } from 'tap';
import type { Endpoint } from '../../../src/aws/connect-client.js';
import { openCertificateStore } from '../../../src/sandbox/certificate-files.js';
import { testDir } from '../../support/test-dir.js';
import { endpointOf } from './subscriber.js';

export interface RawConnection {
  readonly socket: TLSSocket;
  /** The number of the connection, from 1 on. */
  readonly number: number;
  send(...packets: Packet[]): void;
}

export interface RawBroker {
  readonly endpoint: Endpoint;
  /** Everything that clients sent. */
  readonly packets: Packet[];
  of<C extends Packet['cmd']>(cmd: C): Extract<Packet, { cmd: C }>[];
}

/** A TLS server that answers each packet as the test says: for what no broker can be made to do. */
export const startRawBroker = async (t: Test, answer: (packet: Packet, connection: RawConnection) => void): Promise<RawBroker> => {
  const certificates = await openCertificateStore(testDir(t));
  const client = await certificates.client('bridge');
  const packets: Packet[] = [];
  let connections = 0;
  const serve = (socket: TLSSocket): void => {
    connections += 1;
    let protocolVersion = 4;
    const send = (...sent: Packet[]): void => void socket.write(Buffer.concat(sent.map((packet) => generate(packet, { protocolVersion }))));
    const connection = { socket, number: connections, send };
    const parser = createParser();
    parser.on('packet', (packet) => {
      if (packet.cmd === 'connect') protocolVersion = packet.protocolVersion ?? 4;
      packets.push(packet);
      answer(packet, connection);
    });
    socket.on('data', (chunk: Buffer) => parser.parse(chunk));
    socket.on('error', () => undefined);
    t.teardown(() => void socket.destroy());
  };
  const server = createServer({ key: readFileSync(certificates.server.privateKeyPath), cert: readFileSync(certificates.server.certificatePath) }, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: endpointOf(port, { caCertificate: certificates.ca.certificatePath, certificate: client.certificatePath, privateKey: client.privateKeyPath }),
    packets,
    of: <C extends Packet['cmd']>(cmd: C) => packets.filter((packet): packet is Extract<Packet, { cmd: C }> => packet.cmd === cmd),
  };
};
