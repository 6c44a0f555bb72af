import { readFile } from 'node:fs/promises';
import type { BrokerAddress } from './broker.js';

/** @throws with the answer when it is not 2xx */
const request = async (privateUrl: string, call: `${'GET' | 'POST' | 'PATCH'} /${string}`, body?: object): Promise<string> => {
  const [method = '', path = ''] = call.split(' ');
  const answer = await fetch(`${privateUrl}${path}`, { method, ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${call} was answered ${answer.status}: ${text}`);
  return text;
};

/** One change through the private API of a bridge. @throws with the answer when it is not 2xx */
export const callApi = async (privateUrl: string, call: `${'POST' | 'PATCH'} /${string}`, body: object): Promise<void> => void (await request(privateUrl, call, body));

/** Messages that wait for a connection. A scrape of the metrics tells it too, and takes ten times as long. */
export const pendingOf = async (privateUrl: string, id: string): Promise<number> =>
  (JSON.parse(await request(privateUrl, `GET /connections/${id}`)) as { readonly pending: { readonly messages: number } }).pending.messages;

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
