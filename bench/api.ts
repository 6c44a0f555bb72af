import { readFile } from 'node:fs/promises';
import type { BrokerAddress } from './broker.js';

/** One request to the private API of a bridge. @throws with the answer when it is not 2xx */
export const callApi = async (privateUrl: string, call: `${'POST' | 'PATCH'} /${string}`, body: object): Promise<void> => {
  const [method = '', path = ''] = call.split(' ');
  const answer = await fetch(`${privateUrl}${path}`, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${call} was answered ${answer.status}: ${text}`);
};

/** Messages that wait for a connection. A scrape of the metrics tells it too, and takes ten times as long. */
export const pendingOf = async (privateUrl: string, id: string): Promise<number> => {
  const answer = await fetch(`${privateUrl}/connections/${id}`);
  if (!answer.ok) throw new Error(`GET /connections/${id} was answered ${answer.status}`);
  return ((await answer.json()) as { readonly pending: { readonly messages: number } }).pending.messages;
};

/** A connection without a pace, as the API takes it. */
export const connectionDocument = async (id: string, broker: BrokerAddress): Promise<object> => ({
  id,
  connectorId: 'aws-iot',
  active: false,
  configuration: {
    endpoint: broker.endpoint,
    certificate: await readFile(broker.certificate, 'utf8'),
    privateKey: await readFile(broker.privateKey, 'utf8'),
    caCertificate: await readFile(broker.caCertificate, 'utf8'),
    publishesPerSecondPerClient: 0,
    bytesPerSecondPerClient: 0,
    publishesPerSecond: 0,
  },
});
