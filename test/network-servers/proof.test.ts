import t from 'tap';
import { BridgeError, messageOf } from '../../src/errors.js';
import { constantTimeEqual, createProof, type Proof } from '../../src/network-servers/proof.js';

const reasonOf = (action: () => void): string => {
  try {
    action();
    return 'passed';
  } catch (error) {
    return error instanceof BridgeError ? error.reason : `unexpected: ${messageOf(error)}`;
  }
};

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
const header: Proof = { kind: 'header', name: 'X-Api-Key', value: 's3cret-value' };
const basic: Proof = { kind: 'basic', username: 'user', password: 'pä:ss wörd' };
const bearer: Proof = { kind: 'bearer', token: 'abc.def-123' };

void t.test('a request passes only with the proof that is configured', async (t) => {
  const rows: readonly (readonly [string, Proof, Record<string, string | string[]>, string])[] = [
    ['nothing is asked', { kind: 'none' }, {}, 'passed'],
    ['the Token comes later', { kind: 'token', key: 'k' }, {}, 'passed'],
    ['header', header, { 'x-api-key': 's3cret-value' }, 'passed'],
    ['header missing', header, {}, 'unauthenticated'],
    ['header empty', header, { 'x-api-key': '' }, 'unauthenticated'],
    ['header wrong', header, { 'x-api-key': 's3cret-valuE' }, 'unauthenticated'],
    ['header longer', header, { 'x-api-key': 's3cret-value ' }, 'unauthenticated'],
    ['header twice, as Node joins it', header, { 'x-api-key': 's3cret-value, s3cret-value' }, 'unauthenticated'],
    ['header twice, as a list', header, { 'x-api-key': ['s3cret-value'] }, 'unauthenticated'],
    ['value in another header', header, { authorization: 's3cret-value' }, 'unauthenticated'],
    ['basic', basic, { authorization: `Basic ${base64('user:pä:ss wörd')}` }, 'passed'],
    ['basic, scheme in lower case', basic, { authorization: `basic  ${base64('user:pä:ss wörd')}` }, 'passed'],
    ['basic, wrong password', basic, { authorization: `Basic ${base64('user:other')}` }, 'unauthenticated'],
    ['basic, wrong user', basic, { authorization: `Basic ${base64('User:pä:ss wörd')}` }, 'unauthenticated'],
    ['basic, not encoded', basic, { authorization: 'Basic user:pass' }, 'unauthenticated'],
    ['basic, missing', basic, {}, 'unauthenticated'],
    ['basic with the bearer scheme', basic, { authorization: `Bearer ${base64('user:pä:ss wörd')}` }, 'unauthenticated'],
    ['bearer', bearer, { authorization: 'Bearer abc.def-123' }, 'passed'],
    ['bearer, scheme in upper case', bearer, { authorization: 'BEARER abc.def-123' }, 'passed'],
    ['bearer, token alone', bearer, { authorization: 'abc.def-123' }, 'unauthenticated'],
    ['bearer, wrong case of the token', bearer, { authorization: 'Bearer ABC.def-123' }, 'unauthenticated'],
    ['bearer, something behind it', bearer, { authorization: 'Bearer abc.def-123 x' }, 'unauthenticated'],
    ['bearer, scheme alone', bearer, { authorization: 'Bearer' }, 'unauthenticated'],
  ];
  for (const [name, proof, headers, expected] of rows) t.equal(reasonOf(() => createProof(proof).checkRequest(headers)), expected, name);
});

void t.test('a refusal says what is missing and never the secret', async (t) => {
  for (const proof of [header, basic, bearer]) {
    const error = t.throws(() => createProof(proof).checkRequest({ authorization: 'Bearer wrong-one', 'x-api-key': 'wrong-one' })) as BridgeError;
    t.match(error.detail, /^header (x-api-key|authorization) is missing or wrong$/);
    t.notMatch(JSON.stringify({ ...error, message: error.message }), /s3cret|wörd|abc\.def|wrong-one/);
  }
});

void t.test('a source passes when one of the networks holds it', async (t) => {
  const sources = ['185.110.96.0/22', '2001:db8::/32', '192.0.2.7', '::1'];
  const rows: readonly (readonly [string, string])[] = [
    ['185.110.96.0', 'passed'],
    ['185.110.99.255', 'passed'],
    ['185.110.100.0', 'source_not_allowed'],
    ['185.110.95.255', 'source_not_allowed'],
    ['::ffff:185.110.97.3', 'passed'],
    ['::FFFF:185.110.97.3', 'passed'],
    ['::ffff:b96e:6103', 'passed'],
    ['::ffff:185.110.100.3', 'source_not_allowed'],
    ['192.0.2.7', 'passed'],
    ['192.0.2.8', 'source_not_allowed'],
    ['2001:db8:1::5', 'passed'],
    ['2001:db9::5', 'source_not_allowed'],
    ['2001:db8::1%eth0', 'passed'],
    ['::1', 'passed'],
    ['', 'source_not_allowed'],
    ['unknown', 'source_not_allowed'],
    ['185.110.96.1, 10.0.0.1', 'source_not_allowed'],
  ];
  const proof = createProof({ kind: 'none' }, sources);
  for (const [address, expected] of rows) t.equal(reasonOf(() => proof.checkSource(address)), expected, address);
});

void t.test('a mapped network in the list holds the addresses in either form', async (t) => {
  const proof = createProof({ kind: 'none' }, ['::ffff:10.1.0.0/112']);
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3']) t.equal(reasonOf(() => proof.checkSource(address)), 'passed', address);
  t.equal(reasonOf(() => proof.checkSource('10.2.2.3')), 'source_not_allowed');
});

void t.test('without a list any source passes, with an empty one none', async (t) => {
  t.equal(reasonOf(() => createProof({ kind: 'none' }).checkSource('203.0.113.9')), 'passed');
  t.equal(reasonOf(() => createProof({ kind: 'none' }, []).checkSource('203.0.113.9')), 'source_not_allowed');
});

void t.test('what could never prove anything is refused when it is configured', async (t) => {
  const rows: readonly (readonly [Proof, readonly string[] | undefined, string])[] = [
    [{ kind: 'header', name: 'x', value: '' }, undefined, 'authenticate.value'],
    [{ kind: 'bearer', token: '' }, undefined, 'authenticate.token'],
    [{ kind: 'basic', username: 'u', password: '' }, undefined, 'authenticate.password'],
    [{ kind: 'basic', username: 'u:v', password: 'p' }, undefined, 'authenticate.username'],
    [{ kind: 'token', key: '' }, undefined, 'authenticate.key'],
    [{ kind: 'none' }, ['10.0.0.0/33'], 'sources[0]'],
    [{ kind: 'none' }, ['10.0.0.0/8', '2001:db8::/129'], 'sources[1]'],
    [{ kind: 'none' }, ['10.0.0/8'], 'sources[0]'],
    [{ kind: 'none' }, ['10.0.0.0/'], 'sources[0]'],
    [{ kind: 'none' }, ['10.0.0.0/8/8'], 'sources[0]'],
    [{ kind: 'none' }, ['example.org'], 'sources[0]'],
    [{ kind: 'none' }, [''], 'sources[0]'],
  ];
  for (const [proof, sources, field] of rows) {
    const error = t.throws(() => createProof(proof, sources));
    t.match(error, { reason: 'config_invalid', field });
  }
});

void t.test('texts compare by content, whatever their lengths', async (t) => {
  t.ok(constantTimeEqual('', ''));
  t.ok(constantTimeEqual('é', 'é'));
  t.notOk(constantTimeEqual('a', 'aa'));
  t.notOk(constantTimeEqual('', 'a'));
  t.notOk(constantTimeEqual('a\u0000', 'a'));
});
