import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { BridgeError, messageOf } from '../../src/errors.js';
import type { TokenProof } from '../../src/network-servers/network-server.js';
import { verifyToken } from '../../src/network-servers/thingpark/authenticate.js';
import { readThingpark } from '../../src/network-servers/thingpark/read.js';
import { requestOfFile } from '../support/golden.js';

const key = '00112233445566778899aabbccddeeff';
const decodedQuery = 'LrnDevEui=A1B2C3D4E5F60718&LrnFPort=5&LrnInfos=TWA_300001234.77.AS-1-555&AS_ID=TWA_300001234.77.AS&Time=2026-03-02T07:15:01.100+01:00';
const query = decodedQuery.replaceAll('+', '%2B').replaceAll(':', '%3A');
const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

const uplink = { Time: '2026-03-02T07:15:00.250+01:00', DevEUI: 'A1B2C3d4e5f60718', FPort: 5, FCntUp: 1207, payload_hex: '0aFF', CustomerID: '300001234' };
/** By the documented algorithm: elements of the body as they stand there, the decoded query, the key. */
const tokenOf = (elements: string, text = decodedQuery): string => sha256(elements + text + key);
const uplinkToken = tokenOf('300001234' + 'A1B2C3d4e5f60718' + '5' + '1207' + '0aFF');

const reasonOf = (action: () => void): string => {
  try {
    action();
    return 'passed';
  } catch (error) {
    return error instanceof BridgeError ? error.reason : `unexpected: ${messageOf(error)}`;
  }
};

interface Attempt {
  readonly body?: unknown;
  readonly xml?: string;
  readonly query?: string;
  readonly proof?: Partial<TokenProof>;
}

const verdict = ({ body = { DevEUI_uplink: uplink }, xml, query: rawQuery = `${query}&Token=${uplinkToken}`, proof = {} }: Attempt): string => {
  const content = Buffer.from(xml ?? JSON.stringify(body), 'utf8');
  const request = requestOfFile(xml === undefined ? '.json' : '.xml', content, { query: rawQuery });
  return reasonOf(() => verifyToken(readThingpark(request), request, { key, ...proof }));
};

const without = (object: Record<string, unknown>, name: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).filter(([entry]) => entry !== name));

const xmlOf = (fields: Record<string, unknown>): string =>
  `<DevEUI_uplink>${Object.entries(fields).map(([name, value]) => `<${name}>${String(value)}</${name}>`).join('')}</DevEUI_uplink>`;

void t.test('an uplink with its own Token passes in every encoding', async (t) => {
  t.equal(verdict({}), 'passed', 'typed JSON');
  t.equal(verdict({ body: { DevEUI_uplink: { ...uplink, FPort: '5', FCntUp: '1207' } } }), 'passed', 'untyped JSON');
  t.equal(verdict({ xml: xmlOf(uplink) }), 'passed', 'XML');
  t.equal(verdict({ body: uplink }), 'passed', 'flat');
  t.equal(verdict({ query: `${query}&Token=${uplinkToken.toUpperCase()}` }), 'passed', 'Token in upper case');
  const zero = tokenOf('300001234' + 'A1B2C3d4e5f60718' + '0' + '0' + '0aFF');
  t.equal(verdict({ body: { DevEUI_uplink: { ...uplink, FPort: 0, FCntUp: 0 } }, query: `${query}&Token=${zero}` }), 'passed', 'port and counter 0');
});

void t.test('the Token may stand anywhere in the query, and covers the others in the order received', async (t) => {
  t.equal(verdict({ query: `Token=${uplinkToken}&${query}` }), 'passed', 'first');
  t.equal(verdict({ query: query.replace('&AS_ID', `&Token=${uplinkToken}&AS_ID`) }), 'passed', 'in the middle');
  const reordered = query.split('&').reverse().join('&');
  t.equal(verdict({ query: `${reordered}&Token=${uplinkToken}` }), 'unauthenticated', 'the others in another order');
  const token = tokenOf('300001234A1B2C3d4e5f60718512070aFF', decodedQuery.split('&').reverse().join('&'));
  t.equal(verdict({ query: `${reordered}&Token=${token}` }), 'passed', 'in another order, signed so');
});

void t.test('a plus in Time is signed as a plus, however it is encoded', async (t) => {
  t.equal(verdict({ query: `${decodedQuery}&Token=${uplinkToken}` }), 'passed', 'as it is');
  const spaced = tokenOf('300001234A1B2C3d4e5f60718512070aFF', decodedQuery.replaceAll('+', ' '));
  t.equal(verdict({ query: `${query}&Token=${spaced}` }), 'unauthenticated', 'signed as a space');
  t.equal(verdict({ query: `${query.replaceAll('%2B', '%20')}&Token=${uplinkToken}` }), 'unauthenticated', 'sent as a space');
});

void t.test('a change to anything that is signed is refused', async (t) => {
  const changes: readonly (readonly [string, Attempt])[] = [
    ['payload', { body: { DevEUI_uplink: { ...uplink, payload_hex: '0afe' } } }],
    ['case of the payload', { body: { DevEUI_uplink: { ...uplink, payload_hex: '0aff' } } }],
    ['case of the DevEUI', { body: { DevEUI_uplink: { ...uplink, DevEUI: 'a1b2c3d4e5f60718' } } }],
    ['device', { body: { DevEUI_uplink: { ...uplink, DevEUI: 'A1B2C3d4e5f60719' } } }],
    ['counter', { body: { DevEUI_uplink: { ...uplink, FCntUp: 1208 } } }],
    ['port', { body: { DevEUI_uplink: { ...uplink, FPort: 6 } } }],
    ['port left out', { body: { DevEUI_uplink: without(uplink, 'FPort') } }],
    ['customer', { body: { DevEUI_uplink: { ...uplink, CustomerID: '300001235' } } }],
    ['payload as a list', { body: { DevEUI_uplink: { ...uplink, payload_hex: ['0aFF'] } } }],
    ['counter with zeros in front in XML', { xml: xmlOf({ ...uplink, FCntUp: '01207' }) }],
    ['query', { query: `${query.replace('LrnFPort=5', 'LrnFPort=6')}&Token=${uplinkToken}` }],
    ['a parameter more', { query: `${query}&x=1&Token=${uplinkToken}` }],
    ['key', { proof: { key: 'ffeeddccbbaa99887766554433221100' } }],
    ['a digit of the Token', { query: `${query}&Token=${uplinkToken.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))}` }],
    ['the last digit cut off', { query: `${query}&Token=${uplinkToken.slice(0, -1)}` }],
  ];
  for (const [name, attempt] of changes) {
    t.equal(verdict(attempt), 'unauthenticated', name);
    t.equal(verdict({ ...attempt, proof: { ...attempt.proof, strict: false } }), 'unauthenticated', `${name}, not strict`);
  }
});

void t.test('a query without one readable Token is refused', async (t) => {
  const other = tokenOf('x');
  for (const rawQuery of ['', query, `${query}&Token=`, `${query}&token=${uplinkToken}`, `${query}&Token=${uplinkToken}&Token=${other}`, `${query}&x=%&Token=${uplinkToken}`, `${query}&Token=%zz`]) {
    t.equal(verdict({ query: rawQuery, proof: { strict: false } }), 'unauthenticated', rawQuery.slice(-60));
  }
});

void t.test('the AS_ID that is configured must be the one that was signed', async (t) => {
  t.equal(verdict({ proof: { asId: 'TWA_300001234.77.AS' } }), 'passed');
  t.equal(verdict({ proof: { asId: 'TWA_300001234.78.AS' } }), 'unauthenticated');
  const text = decodedQuery.replace('&AS_ID=TWA_300001234.77.AS', '');
  const token = tokenOf('300001234A1B2C3d4e5f60718512070aFF', text);
  t.equal(verdict({ query: `${text}&Token=${token}`, proof: { asId: 'TWA_300001234.77.AS' } }), 'unauthenticated', 'none was signed');
  t.equal(verdict({ query: `${text}&Token=${token}` }), 'passed', 'none is configured');
  t.equal(verdict({ query: `AS_ID=other&${query}&Token=${uplinkToken}`, proof: { asId: 'TWA_300001234.77.AS' } }), 'unauthenticated', 'two');
});

void t.test('documents whose signature is not published are verified without the absent elements, and pass unverified only when not strict', async (t) => {
  const location = { DevEUI_location: { Time: '2026-03-02T07:15:00Z', DevEUI: 'A1B2C3D4E5F60718', CustomerID: '300001234', DevLAT: 1, DevLON: 2 } };
  const macOnly = { DevEUI_uplink: without(without(uplink, 'payload_hex'), 'FPort') };
  const good = `${query}&Token=${tokenOf('300001234A1B2C3D4E5F60718')}`;
  const bad = `${query}&Token=${'0'.repeat(64)}`;
  t.equal(verdict({ body: location, query: good }), 'passed');
  t.equal(verdict({ body: location, query: bad }), 'unauthenticated');
  t.equal(verdict({ body: location, query: bad, proof: { strict: true } }), 'unauthenticated');
  t.equal(verdict({ body: location, query: bad, proof: { strict: false } }), 'passed');
  t.equal(verdict({ body: location, query: bad, proof: { strict: false, asId: 'other' } }), 'unauthenticated');
  t.equal(verdict({ body: macOnly, query: `${query}&Token=${tokenOf('300001234A1B2C3d4e5f607181207')}` }), 'passed');
  t.equal(verdict({ body: macOnly, query: bad }), 'unauthenticated');
  t.equal(verdict({ body: macOnly, query: bad, proof: { strict: false } }), 'passed');
  const decodedOnly = { DevEUI_uplink: { ...macOnly.DevEUI_uplink, payload: { temperature: 99 } } };
  t.equal(verdict({ body: decodedOnly, query: bad, proof: { strict: false } }), 'unauthenticated', 'a decoded payload is no way in');
  t.equal(verdict({ body: { other: {} }, query: bad }), 'unauthenticated', 'an unknown document is no way in');
});

void t.test('the published vectors', async (t) => {
  const folder = '../shared/fixtures/actility';
  if (!existsSync(folder)) {
    t.comment(`absent: ${folder}`);
    t.equal(uplinkToken.length, 64);
    return;
  }
  const signed = JSON.parse(readFileSync(`${folder}/tunnel-uplink-signed.request.json`, 'utf8')) as {
    query: Record<string, string | number>;
    tunnelInterfaceAuthenticationKey: string;
  };
  const { Token, ...rest } = signed.query;
  const names = ['LrnDevEui', 'LrnFPort', 'LrnInfos', 'AS_ID', 'Time'];
  t.strictSame(Object.keys(rest).sort(), [...names].sort(), 'the vector signs these parameters');
  const body = readFileSync(`${folder}/tunnel-uplink-signed.body.json`);
  const rawQuery = [...names, 'Token'].map((name) => `${name}=${encodeURIComponent(String(name === 'Token' ? Token : rest[name]))}`).join('&');
  const request = requestOfFile('.json', body, { query: rawQuery });
  const proof = { key: signed.tunnelInterfaceAuthenticationKey, asId: String(rest.AS_ID) };
  t.equal(reasonOf(() => verifyToken(readThingpark(request), request, proof)), 'passed');
  const changed = requestOfFile('.json', Buffer.from(body.toString('utf8').replace('"FCntUp": 18', '"FCntUp": 19')), { query: rawQuery });
  t.equal(reasonOf(() => verifyToken(readThingpark(changed), changed, proof)), 'unauthenticated');

  // The downlink's Token is the same hash without elements of a body: query in the order sent, then the key as printed.
  const downlink = JSON.parse(readFileSync(`${folder}/downlink-token-vector.json`, 'utf8')) as { queryWithoutToken: string; key: string; Token: string };
  const empty = requestOfFile('.json', Buffer.from('{"DevEUI_location":{}}'), { query: `${downlink.queryWithoutToken}&Token=${downlink.Token}` });
  t.equal(reasonOf(() => verifyToken(readThingpark(empty), empty, { key: downlink.key, asId: 'app1.sample.com' })), 'passed');
});
