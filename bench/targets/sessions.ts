import { readFileSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import type { BrokerAddress } from '../broker.js';

/** As many as the bridge opens at most. */
const sessions = 10;

/** Opens MQTT.js clients with mutual TLS and without Nagle's delay, all of them before it resolves. */
export const openSessions = ({ endpoint, caCertificate, certificate, privateKey }: BrokerAddress, options: Pick<IClientOptions, 'keepalive'> = {}): Promise<MqttClient[]> => {
  const tls = { ca: readFileSync(caCertificate), cert: readFileSync(certificate), key: readFileSync(privateKey) };
  const open = async (): Promise<MqttClient> => {
    const client = await connectAsync(`mqtts://${endpoint}`, { ...tls, ...options });
    (client.stream as TLSSocket).setNoDelay(true);
    return client;
  };
  return Promise.all(Array.from({ length: sessions }, open));
};
