import t from 'tap';
import { createTestCertificates } from '../support/certificates.js';
import { checkWrongConfigs, connection, minimal, networkServer, type WrongConfig } from './config-folder.js';

const withFlow = (flow: string): string => `${minimal}flows: [${flow}]\n`;
const withMatcher = (matcher: string): string => withFlow(`{ id: f, connections: [main], matchers: [${matcher}] }`);
const matcher = 'flows[0].matchers[0]';
const two = `${connection}${connection.replace('connections:\n', '').replace('main', 'second')}`;
const idForm = '1 to 32 letters, digits and dashes, no dash first';

const flows: WrongConfig[] = [
  { name: 'nothing but the ids', yaml: withFlow('{ id: f, connections: [main] }'), problems: [] },
  { name: 'no mapping', yaml: withFlow('f'), problems: ['flows[0]: must be a mapping of keys to values'] },
  { name: 'empty', yaml: withFlow('{}'), problems: ['flows[0].id: is required', 'flows[0].connections: is required'] },
  { name: 'values', yaml: withFlow('{ id: -f, name: 1, active: x, networkServers: factory, matchers: {}, connections: [1], uplinkTimeValidity: 5, target: x }'), problems: ['flows[0].target: unknown key', `flows[0].id: must be ${idForm}`, 'flows[0].name: must be text: put it in quotes', 'flows[0].active: must be true or false', 'flows[0].networkServers: must be a list of ids', 'flows[0].matchers: must be a list', `flows[0].connections: entry 1 must be ${idForm}`, 'flows[0].uplinkTimeValidity: must be a duration with its unit, such as 500ms, 10s, 5m or 2h'] },
  { name: 'empty lists', yaml: withFlow('{ id: f, networkServers: [], connections: [] }'), problems: ['flows[0].networkServers: must not be empty', 'flows[0].connections: must not be empty'] },
  { name: 'a long name', yaml: withFlow(`{ id: f, name: ${'x'.repeat(201)}, connections: [main] }`), problems: ['flows[0].name: must be at most 200 characters'] },
  { name: 'unknown ids', yaml: withFlow('{ id: f, networkServers: [factory, nowhere], connections: [other, main] }'), problems: ['flows[0].networkServers[1]: is no network server of this file', 'flows[0].connections[0]: is no connection of this file'] },
  { name: 'an id taken', yaml: withFlow('{ id: f, connections: [main] }, { id: F, connections: [main] }'), problems: ['flows[1].id: is taken by flows[0] (upper and lower case count as the same)'] },
  { name: 'two connections without a flow', yaml: `${networkServer}${two}`, problems: ["flows: needs at least one entry with two or more connections, so that no customer's data reaches another"] },
  { name: 'two connections with a flow', yaml: `${networkServer}${two}flows: [{ id: f, connections: [main, second] }]\n`, problems: [] },
];

const matchers: WrongConfig[] = [
  { name: 'everything', yaml: withMatcher("{ tags: [site=Paris, x], devices: ['0018B20000000001', 'aa-FF'], applications: [p], fPorts: [0, '7', '10-20', 255], types: [uplink, downlink-status] }"), problems: [] },
  { name: 'nothing', yaml: withMatcher('{}'), problems: [`${matcher}: needs one of tags, devices, applications, fPorts, types`] },
  { name: 'an unknown key', yaml: withMatcher('{ tag: [x] }'), problems: [`${matcher}.tag: unknown key; did you mean tags?`, `${matcher}: needs one of tags, devices, applications, fPorts, types`] },
  { name: 'texts in place of lists', yaml: withMatcher('{ tags: x, devices: aa, applications: p, fPorts: 1, types: uplink }'), problems: [`${matcher}.tags: must be a list of tags`, `${matcher}.devices: must be a list of devices`, `${matcher}.applications: must be a list of applications`, `${matcher}.fPorts: must be a list of FPorts`, `${matcher}.types: must be a list of message types`] },
  { name: 'empty lists', yaml: withMatcher('{ tags: [], devices: [], applications: [], fPorts: [], types: [] }'), problems: ['tags', 'devices', 'applications', 'fPorts', 'types'].map((key) => `${matcher}.${key}: must not be empty`) },
  { name: 'entries', yaml: withMatcher('{ tags: [x, ""], devices: [x], applications: [1], fPorts: [256], types: [uplinks] }'), problems: [`${matcher}.tags: entry 2 must not be empty`, `${matcher}.devices: entry 1 must be a device id in quotes, hex, or two with a dash between them`, `${matcher}.applications: entry 1 must be text: put it in quotes`, `${matcher}.fPorts: entry 1 must be a whole number from 0 to 255`, `${matcher}.types: entry 1 must be one of uplink, join, location, status, downlink-status, alarm`] },
  { name: 'a device id that YAML takes for a number', yaml: withMatcher('{ devices: [11] }'), problems: [`${matcher}.devices: entry 1 must be a device id in quotes, hex, or two with a dash between them`] },
  { name: 'ends of two lengths', yaml: withMatcher("{ devices: ['aa', 'aa-aaa'] }"), problems: [`${matcher}.devices: entry 2 must be a range whose ends have the same length`] },
  { name: 'ranges the wrong way round', yaml: withMatcher("{ devices: ['bb-aa'], fPorts: ['20-10'] }"), problems: [`${matcher}.devices: entry 1 must be a range that begins with the lower end`, `${matcher}.fPorts: entry 1 must be a range that begins with the lower end`] },
  { name: 'too many', yaml: withMatcher(`{ fPorts: [${'1, '.repeat(1_001)}] }`), problems: [`${matcher}.fPorts: must have at most 1000 entries`] },
  { name: 'a long tag', yaml: withMatcher(`{ tags: [${'x'.repeat(201)}] }`), problems: [`${matcher}.tags: entry 1 must be at most 200 characters`] },
];

const keys = (length: number): string => Array.from({ length }, () => `"${'ab'.repeat(32)}"`).join(', ');

const daemon: WrongConfig[] = [
  { name: 'the private listener', yaml: 'private: { authenticate: never, openPaths: [health, ready] }\n', problems: ['private.authenticate: must be one of auto, always', 'private.openPaths: must be a list out of health, metrics'] },
  { name: 'open paths of another shape', yaml: 'private: { openPaths: { health: true } }\n', problems: ['private.openPaths: must be a list out of health, metrics'] },
  { name: 'HTTPS of the private listener', yaml: 'private: { tls: { certificate_file: certs/bridge.pem, privateKey_file: certs/other.key } }\n', problems: ['private.tls.privateKey: does not belong to the certificate'] },
  { name: 'half of HTTPS', yaml: 'private: { tls: { certificate_file: certs/bridge.pem } }\n', problems: ['private.tls.privateKey: is required, or its _file'] },
  { name: 'keys', yaml: `secrets: { key: abc, previousKeys: [${keys(1)}, 7], keys: x }\n`, problems: ['secrets.keys: unknown key; did you mean key?', 'secrets.key: must be 32 bytes, as base64 or as 64 hex digits', 'secrets.previousKeys: entry 2 must be text: put it in quotes'] },
  { name: 'too many keys', yaml: `secrets: { previousKeys: [${keys(101)}] }\n`, problems: ['secrets.previousKeys: must have at most 100 entries'] },
  { name: 'keys of another shape', yaml: 'secrets: { previousKeys: { a: b } }\n', problems: ['secrets.previousKeys: must be text'] },
];

const certificates = await createTestCertificates();
for (const [table, rows] of Object.entries({ flows, matchers, daemon })) void t.test(table, async (t) => checkWrongConfigs(t, certificates, rows));
