import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { SignatureV4 } from '@smithy/signature-v4';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { createHash, createHmac, type BinaryLike } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import t from 'tap';
import type { Test } from 'tap';
import type { SandboxAddress } from '../../src/sandbox/sandbox.js';
import { connectLibrary, nextNotice, startSandbox, within } from './support/harness.js';

class Sha256 {
  #parts: BinaryLike[] = [];

  constructor(private readonly key?: BinaryLike) {}

  update(part: BinaryLike): void {
    this.#parts.push(part);
  }

  async digest(): Promise<Uint8Array> {
    const hash = this.key === undefined ? createHash('sha256') : createHmac('sha256', this.key);
    for (const part of this.#parts) hash.update(part);
    return hash.digest();
  }
}

interface SignOptions {
  readonly service?: string;
  readonly path?: string;
  readonly expiresIn?: number;
  readonly signingDate?: Date;
  readonly sessionToken?: string;
}

type Keys = Pick<SandboxAddress, 'accessKeyId' | 'secretAccessKey'>;

/** A presigned target, `/mqtt?X-Amz-…`; a session token is put beside the signature, as AWS's device SDKs do. */
const presign = async ({ wss }: SandboxAddress, keys: Keys, { service = 'iotdevicegateway', path = '/mqtt', sessionToken, ...times }: SignOptions = {}): Promise<string> => {
  const signer = new SignatureV4({ credentials: keys, region: 'eu-west-1', service, sha256: Sha256 as never });
  const host = `localhost:${wss?.port ?? 0}`;
  const signed = await signer.presign({ method: 'GET', protocol: 'wss:', hostname: 'localhost', port: wss?.port ?? 0, path, headers: { host }, query: {} }, times);
  const query = Object.entries(signed.query ?? {}).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  const token = sessionToken === undefined ? [] : [`X-Amz-Security-Token=${encodeURIComponent(sessionToken)}`];
  return `${path}?${[...query, ...token].join('&')}`;
};

const openClient = async (t: Test, address: SandboxAddress, target: string, options: IClientOptions = {}): Promise<MqttClient> => {
  const client = mqtt.connect(`wss://localhost:${address.wss?.port ?? 0}${target}`, {
    ca: await readFile(address.caCertificate), reconnectPeriod: 0, protocolVersion: 5, clientId: 'ws', ...options,
  });
  t.teardown(() => void client.end(true));
  return client;
};

const connected = (client: MqttClient): Promise<void> =>
  within('connect', new Promise((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed')));
  }));

const connectSigned = async (t: Test, address: SandboxAddress, options: IClientOptions = {}): Promise<MqttClient> => {
  const client = await openClient(t, address, await presign(address, address), options);
  await connected(client);
  client.on('error', () => undefined);
  return client;
};

void t.test('a signed WebSocket carries MQTT both ways, with the rest of the broker', async (t) => {
  const { sandbox, address } = await startSandbox(t, { wssPort: 0 });
  const client = await connectSigned(t, address);
  const tls = await connectLibrary(t, address, { clientId: 'tls' });
  const arrived = (of: MqttClient): Promise<string> => within('a message', new Promise((resolve) => of.once('message', (topic, payload) => resolve(`${topic} ${payload.toString()}`))));
  await client.subscribeAsync('$share/g/down/#', { qos: 1 });
  await tls.subscribeAsync('up', { qos: 1 });
  const [up, down] = [arrived(tls), arrived(client)];
  await client.publishAsync('up', 'x'.repeat(100_000), { qos: 1 });
  await tls.publishAsync('down/1', 'hello', { qos: 1 });
  t.equal((await up).length, 100_003);
  t.equal(await down, 'down/1 hello');
  const taken = nextNotice(sandbox, 'session-closed');
  await connectLibrary(t, address, { clientId: 'ws' });
  t.match(await taken, { clientId: 'ws', reason: 'duplicate_client_id' });
});

/** The status that an upgrade is answered with. */
const upgradeStatus = async (address: SandboxAddress, target: string, headers: Record<string, string> = {}): Promise<number> => {
  const ca = await readFile(address.caCertificate);
  const asked = httpsRequest({
    host: '127.0.0.1', servername: 'localhost', port: address.wss?.port, path: target, ca, agent: false,
    headers: {
      host: `localhost:${address.wss?.port ?? 0}`, connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-protocol': 'mqtt', ...headers,
    },
  });
  return within('an answer', new Promise((resolve, reject) => {
    asked.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on('upgrade', (_response, socket) => {
      socket.destroy();
      resolve(101);
    });
    asked.on('error', reject);
    asked.end();
  }));
};

void t.test('temporary keys: the token stands beside the signature', async (t) => {
  const { address } = await startSandbox(t, { wssPort: 0, apiPort: 0 });
  const credentials = await fromTemporaryCredentials({
    masterCredentials: address,
    params: { RoleArn: 'arn:aws:iam::123456789012:role/x', RoleSessionName: 'me' },
    clientConfig: { region: 'eu-west-1', endpoint: `http://127.0.0.1:${address.api?.port ?? 0}` },
  })();
  const { accessKeyId, secretAccessKey, sessionToken = '' } = credentials;
  await connected(await openClient(t, address, await presign(address, { accessKeyId, secretAccessKey }, { sessionToken })));
  t.equal(await upgradeStatus(address, await presign(address, { accessKeyId, secretAccessKey })), 403, 'no token');
  t.equal(await upgradeStatus(address, await presign(address, credentials)), 403, 'AWS IoT Core does not want the token signed');
});

void t.test('what the upgrade is refused for', async (t) => {
  const { sandbox, address } = await startSandbox(t, { wssPort: 0 });
  const good = await presign(address, address);
  const ago = (seconds: number): Date => new Date(Date.now() - seconds * 1000);
  const rows: [string, string, number, Record<string, string>?][] = [
    ['a good signature', good, 101],
    ['the other service name', await presign(address, address, { service: 'iotdata' }), 101],
    ['signed long ago for a day', await presign(address, address, { signingDate: ago(3600), expiresIn: 86_400 }), 101],
    ['several subprotocols', good, 101, { 'sec-websocket-protocol': 'other, mqtt' }],
    ['no signature', '/mqtt', 403],
    ['a wrong signature', good.replace(/X-Amz-Signature=.{4}/, 'X-Amz-Signature=0000'), 403],
    ['an unknown key', await presign(address, { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey: address.secretAccessKey }), 403],
    ['a wrong secret', await presign(address, { ...address, secretAccessKey: 'x' }), 403],
    ['another service', await presign(address, address, { service: 'iot' }), 403],
    ['expired', await presign(address, address, { signingDate: ago(120), expiresIn: 60 }), 403],
    ['another host', good, 403, { host: 'example.com' }],
    ['another path', await presign(address, address, { path: '/other' }), 404],
    ['no subprotocol of MQTT', good, 400, { 'sec-websocket-protocol': 'other' }],
  ];
  for (const [name, target, status, headers] of rows) t.equal(await upgradeStatus(address, target, headers), status, name);
  t.equal(sandbox.stats().connectsRefused.not_signed, 7);
  const plain = await fetch(`https://localhost:${address.wss?.port ?? 0}/mqtt`).catch((error: unknown) => error);
  t.match(plain, Error, 'a client that does not trust the CA does not get in');
});

void t.test('the session has the rights of the IAM policy', async (t) => {
  const { sandbox, address } = await startSandbox(t, { wssPort: 0 });
  const arn = 'arn:aws:iot:eu-west-1:123456789012';
  sandbox.setIamPolicy({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 'iot:Connect', Resource: `${arn}:client/ws` },
      { Effect: 'Allow', Action: 'iot:Publish', Resource: `${arn}:topic/up/*` },
    ],
  });
  sandbox.setPolicy({ Version: '2012-10-17', Statement: { Effect: 'Deny', Action: 'iot:*', Resource: '*' } });
  const stranger = await openClient(t, address, await presign(address, address), { clientId: 'stranger' });
  await t.rejects(connected(stranger), { code: 0x87 });
  const client = await connectSigned(t, address);
  await client.publishAsync('up/1', 'x', { qos: 1 });
  const closed = nextNotice(sandbox, 'session-closed');
  client.publish('down', 'x', { qos: 1 }, () => undefined);
  t.match(await closed, { clientId: 'ws', reason: 'not_authorized' });
});

void t.test('a cut network takes WebSockets too, and comes back on the same port', async (t) => {
  const { sandbox, address } = await startSandbox(t, { wssPort: 0 });
  const client = await connectSigned(t, address);
  const gone = within('close', new Promise<void>((resolve) => client.once('close', () => resolve())));
  await sandbox.cut();
  await gone;
  await t.rejects(upgradeStatus(address, '/mqtt'), { code: 'ECONNREFUSED' });
  await sandbox.restore();
  await connectSigned(t, address);
  sandbox.blackhole();
  const later = upgradeStatus(address, '/mqtt');
  await sandbox.restore();
  t.equal(await later, 403, 'answered only after the silence');
});

void t.test('a WebSocket that breaks off is a lost connection', async (t) => {
  const { sandbox, address } = await startSandbox(t, { wssPort: 0 });
  const client = await connectSigned(t, address);
  const closed = nextNotice(sandbox, 'session-closed');
  client.stream.destroy();
  t.match(await closed, { clientId: 'ws', reason: 'connection_lost' });
});

void t.test('stopping says goodbye to WebSockets', async (t) => {
  const { sandbox, address } = await startSandbox(t, { wssPort: 0 });
  const client = await connectSigned(t, address);
  const farewell = within('DISCONNECT', new Promise((resolve) => client.once('disconnect', (packet) => resolve(packet.reasonCode))));
  await sandbox.stop();
  t.equal(await farewell, 0x8b);
});
