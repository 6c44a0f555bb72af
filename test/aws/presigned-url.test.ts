import { createHash, createHmac } from 'node:crypto';
import t from 'tap';
import { presignedUrl } from '../../src/aws/presigned-url.js';

const at = new Date('2026-11-21T10:20:30Z');
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The signature by the steps of AWS's own description ("Signature Version 4 signing process"), of the query as it stands in the URL. */
const signatureOf = (query: string, host: string): string => {
  const scope = '20261121/eu-west-1/iotdevicegateway/aws4_request';
  const canonical = ['GET', '/mqtt', query.split('&').sort().join('&'), `host:${host}\n`, 'host', sha256('')].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', '20261121T102030Z', scope, sha256(canonical)].join('\n');
  const key = hmac(hmac(hmac(hmac(`AWS4${credentials.secretAccessKey}`, '20261121'), 'eu-west-1'), 'iotdevicegateway'), 'aws4_request');
  return hmac(key, toSign).toString('hex');
};

const rows = [
  { name: 'the usual port', host: 'a1b2-ats.iot.eu-west-1.amazonaws.com', port: 443, signedHost: 'a1b2-ats.iot.eu-west-1.amazonaws.com' },
  { name: 'another port', host: 'localhost', port: 8443, signedHost: 'localhost:8443' },
  { name: 'an IPv6 address', host: '::1', port: 8443, signedHost: '[::1]:8443' },
];

for (const { name, host, port, signedHost } of rows) {
  void t.test(`${name}: signed for the device gateway, with the Host header as it will be`, async (t) => {
    const url = await presignedUrl({ host, port, region: 'eu-west-1', credentials, at });
    const [start, query = ''] = url.split('?');
    t.equal(start, `wss://${signedHost}/mqtt`);
    const [signed, signature] = query.split('&X-Amz-Signature=');
    t.equal(signature, signatureOf(signed ?? '', signedHost));
    t.match(query, /X-Amz-Credential=AKIDEXAMPLE%2F20261121%2Feu-west-1%2Fiotdevicegateway%2Faws4_request/);
    t.notMatch(query, /Security-Token/);
    t.notOk(url.includes(credentials.secretAccessKey));
  });
}

void t.test('the token of temporary credentials is added after the signing', async (t) => {
  const url = await presignedUrl({ host: 'localhost', port: 443, region: 'eu-west-1', credentials: { ...credentials, sessionToken: 'a/b+c==' }, at });
  const plain = await presignedUrl({ host: 'localhost', port: 443, region: 'eu-west-1', credentials, at });
  t.equal(url, `${plain}&X-Amz-Security-Token=a%2Fb%2Bc%3D%3D`);
});
