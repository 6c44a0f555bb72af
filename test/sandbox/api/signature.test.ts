import { CreateThingCommand, DescribeEndpointCommand, ListAttachedPoliciesCommand, ListThingsCommand } from '@aws-sdk/client-iot';
import { createHash, createHmac } from 'node:crypto';
import t from 'tap';
import type { SandboxAddress } from '../../../src/sandbox/sandbox.js';
import { createSandbox } from '../../../src/sandbox/sandbox.js';
import { testDir } from '../../support/test-dir.js';
import { errorOf, openClient, refusalOf, startApi } from '../support/api-client.js';

const endpoint = new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' });

void t.test('the access key is made once for a data directory', async (t) => {
  const dataDir = testDir(t);
  const first = createSandbox({ dataDir, apiPort: 0 });
  const { accessKeyId, secretAccessKey } = await first.start();
  await first.stop();
  t.match(accessKeyId, /^AKIA[A-Z2-7]{16}$/);
  t.equal(secretAccessKey.length, 40);
  const second = createSandbox({ dataDir });
  const address = await second.start();
  await second.stop();
  t.match(address, { accessKeyId, secretAccessKey });
  t.notOk('api' in address, 'no API where none is asked for');
});

void t.test('keys and clocks that are wrong', async (t) => {
  const { address, client } = await startApi(t, { limits: { DescribeEndpoint: 0 } });
  const { accessKeyId, secretAccessKey } = address;
  const refused = (options: Parameters<typeof openClient>[2]): Promise<[string, number | undefined]> => errorOf(openClient(t, address, options).send(endpoint));
  t.strictSame(await refused({ credentials: { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey } }), ['UnrecognizedClientException', 403], 'an unknown key');
  t.strictSame(await refused({ credentials: { accessKeyId, secretAccessKey: 'x'.repeat(40) } }), ['InvalidSignatureException', 403], 'a wrong secret');
  t.strictSame(await refused({ credentials: { accessKeyId, secretAccessKey, sessionToken: 'x' } }), ['UnrecognizedClientException', 403], 'a token that belongs to no key');
  t.strictSame(await refused({ systemClockOffset: -400_000 }), ['InvalidSignatureException', 403], 'a clock that is behind');
  t.strictSame(await refused({ systemClockOffset: 400_000 }), ['InvalidSignatureException', 403], 'a clock that is ahead');
  t.match((await client.send(endpoint)).endpointAddress, 'localhost:');
});

void t.test('every part of a request is under the signature: path, query, header and body with characters that need encoding', async (t) => {
  const { address, client } = await startApi(t);
  const umlaut = new CreateThingCommand({ thingName: 'a:b_c-1', attributePayload: { attributes: { x: 'ä' } } });
  t.strictSame(await errorOf(client.send(umlaut)), ['InvalidRequestException', 400], 'signed well, but no legal value');
  await client.send(new CreateThingCommand({ thingName: 'a:b_c-1', attributePayload: { attributes: { 'x#/@': 'a=[b]' } } }));
  const { things } = await client.send(new ListThingsCommand({ attributeName: 'x#/@', attributeValue: 'a=[b]' }));
  t.match(things, [{ thingName: 'a:b_c-1' }]);
  t.match(await client.send(new ListAttachedPoliciesCommand({ target: address.certificateArn })), { policies: [{}] });
  t.strictSame((await client.send(new ListThingsCommand({ attributeName: "it's (a)*!" }))).things, []);
});

interface Signed {
  readonly path: string;
  readonly service?: string;
  readonly body?: string;
  readonly signedHeaders?: string;
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A signature worked out step by step from the description of SigV4, for requests that no client would send. */
const sign = ({ api, accessKeyId, secretAccessKey }: SandboxAddress, { path, service = 'iot', body = '', signedHeaders = 'host;x-amz-date' }: Signed, method = 'GET'): Record<string, string> => {
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const headers: Record<string, string> = { host: `${api?.host ?? ''}:${api?.port ?? 0}`, 'x-amz-date': time };
  const canonicalHeaders = signedHeaders.split(';').map((name) => `${name}:${headers[name] ?? ''}\n`).join('');
  const canonical = [method, path, '', canonicalHeaders, signedHeaders, sha(body)].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, `${day}/eu-west-1/${service}/aws4_request`, sha(canonical)].join('\n');
  const key = hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, day), 'eu-west-1'), service), 'aws4_request');
  const credential = `${accessKeyId}/${day}/eu-west-1/${service}/aws4_request`;
  return { ...headers, authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders}, Signature=${hmac(key, toSign).toString('hex')}` };
};

void t.test('signatures that no client makes', async (t) => {
  const { address, url } = await startApi(t);
  const call = async (path: string, init: RequestInit): Promise<[number, string | null]> => {
    const response = await fetch(url + path, init);
    t.match(await response.json(), { message: String });
    return [response.status, response.headers.get('x-amzn-errortype')];
  };
  const good = sign(address, { path: '/things' });
  t.equal((await fetch(`${url}/things`, { headers: good })).status, 200, 'a good one, to begin with');
  t.strictSame(await call('/things', {}), [403, 'MissingAuthenticationTokenException']);
  t.strictSame(await call('/things', { headers: { ...good, authorization: 'Bearer x' } }), [403, 'IncompleteSignatureException']);
  t.strictSame(await call('/things', { headers: { ...good, authorization: (good['authorization'] ?? '').replace(/, Signature.*/, '') } }), [403, 'IncompleteSignatureException']);
  t.strictSame(await call('/things', { headers: { ...good, 'x-amz-date': '20261399T000000Z' } }), [403, 'IncompleteSignatureException'], 'a day that is not that of the scope');
  t.strictSame(await call('/things?maxResults=1', { headers: good }), [403, 'InvalidSignatureException'], 'another query');
  t.strictSame(await call('/thing-types', { headers: good }), [403, 'InvalidSignatureException'], 'another path');
  t.strictSame(await call('/things', { headers: sign(address, { path: '/things', service: 's3' }) }), [403, 'InvalidSignatureException'], 'another service');
  t.strictSame(await call('/things', { headers: sign(address, { path: '/things', signedHeaders: 'x-amz-date' }) }), [403, 'InvalidSignatureException'], 'the host is not signed');
  const post = sign(address, { path: '/things/one', body: '{}' }, 'POST');
  t.strictSame(await call('/things/one', { method: 'POST', headers: post, body: '{"thingTypeName":"x"}' }), [403, 'InvalidSignatureException'], 'another body');
});

void t.test('requests that are signed but cannot be read', async (t) => {
  const { address, url } = await startApi(t);
  const post = async (path: string, body: string): Promise<unknown> => {
    const response = await fetch(url + path, { method: 'POST', headers: sign(address, { path, body }, 'POST'), body });
    return [response.status, response.headers.get('x-amzn-errortype'), Object.keys((await response.json()) as object)];
  };
  t.strictSame(await post('/things/one', 'nonsense'), [400, 'InvalidRequestException', ['message']]);
  t.strictSame(await post('/things/one', '[]'), [400, 'InvalidRequestException', ['message']]);
  t.strictSame(await post('/things/one', '{"thingTypeName":7}'), [400, 'InvalidRequestException', ['message']]);
  t.strictSame(await post('/nowhere', '{}'), [404, 'UnknownOperationException', ['message']]);
  t.strictSame(await post('/things/one', 'x'.repeat(1024 * 1024 + 1)), [413, null, ['message']]);
  t.match(await refusalOf(openClient(t, address).send(new ListThingsCommand({ maxResults: 999 }))), { message: /maxResults/ });
});
