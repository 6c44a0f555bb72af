import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import t from 'tap';
import { filesToLookAtAgain, importedPackages, layoutProblems, type SourceFile } from './support/layout.js';

const sources: SourceFile[] = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.[cm]?[jt]sx?$/.test(name))
  .sort()
  .map((name) => ({ path: `src/${name.split(sep).join('/')}`, text: readFileSync(join('src', name), 'utf8') }));

const file = (path: string, ...lines: string[]): SourceFile => ({ path, text: `${lines.join('\n')}\n` });

/** Something to import in every room. */
const rooms: readonly SourceFile[] = [
  'errors', 'log', 'lifecycle', 'app', 'main', 'messages/uplink', 'topics/topic-pattern', 'config/schema', 'network-servers/registry', 'network-servers/sigfox/parse', 'ingress/respond', 'flows/match', 'uplink/ports', 'uplink/retry',
  'downlink/ports', 'downlink/retry', 'aws/pacing', 'store/local/outbox', 'store/redis/outbox', 'api/health', 'sandbox/policy', 'cli/start',
].map((name) => file(`src/${name}.ts`, 'export const one = 1;'));

/** The problems of the rooms above with some files added or put in their place. */
const problemsWith = (...added: SourceFile[]): string[] => {
  const taken = new Set(added.map((entry) => entry.path));
  return layoutProblems([...rooms.filter((entry) => !taken.has(entry.path)), ...added]);
};

for (const line of filesToLookAtAgain(sources)) t.comment(`${line}: look again`);

void t.test('every file of src stands and imports as the table says', async (t) => {
  t.ok(sources.length > 0, 'there are sources');
  for (const { path } of sources) t.match(path, /\.ts$/, `${path} is TypeScript`);
  t.strictSame(layoutProblems(sources), []);
});

void t.test('src imports exactly the packages that an installation for production brings', async (t) => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> };
  t.strictSame(importedPackages(sources), Object.keys(manifest.dependencies).sort());
});

void t.test('what the table allows has no problem', async (t) => {
  const allowed = [
    file('src/app.ts', "import { one } from './aws/pacing.js';", "import { one as two } from './store/local/outbox.js';", "import { one as three } from './sandbox/policy.js';"),
    file('src/main.ts', '#!/usr/bin/env node', "import { one } from './cli/start.js';", 'process.exitCode = one;'),
    file('src/cli/start.ts', "import { one } from '../app.js';", "import { one as two } from '../config/schema.js';", 'export const three = [one, two];'),
    file('src/aws/pacing.ts', "import type { one } from '../uplink/ports.js';", "import { connect } from 'mqtt';", 'export { connect };', 'export type One = typeof one;'),
    file('src/sandbox/policy.ts', "import { generate } from 'mqtt-packet';", "import { one } from '../lifecycle.js';", 'export const two = [generate, one];'),
    file('src/store/redis/outbox.ts', "import type { one } from '../../downlink/ports.js';", "import { Queue } from 'bullmq';", 'export const two = (queue: Queue): typeof one => queue;'),
    file('src/network-servers/registry.ts', "import { one } from './sigfox/parse.js';", 'export const two = one;'),
    file('src/network-servers/chirpstack/parse.ts', "import type { one } from '../registry.js';", "import { readFile } from 'node:fs/promises';", 'export const two = (): typeof one => readFile;'),
    file('src/log.ts', "export type { Logger } from 'pino';", 'export const one = "import x from \'./nowhere.js\'";'),
  ];
  t.strictSame(problemsWith(...allowed), []);
});

const wrongImports: readonly { name: string; given: SourceFile; expect: string }[] = [
  { name: 'one edge imports the other', given: file('src/aws/pacing.ts', "import '../network-servers/registry.js';"), expect: 'src/aws/pacing.ts: aws may not import network-servers (src/network-servers/registry.ts)' },
  { name: 'the middle imports an edge', given: file('src/uplink/retry.ts', "import '../aws/pacing.js';"), expect: 'src/uplink/retry.ts: uplink may not import aws (src/aws/pacing.ts)' },
  { name: 'uplink imports downlink', given: file('src/uplink/retry.ts', "import '../downlink/retry.js';"), expect: 'src/uplink/retry.ts: uplink may not import downlink (src/downlink/retry.ts)' },
  { name: 'uplink imports the port types of downlink', given: file('src/uplink/retry.ts', "import type { one } from '../downlink/ports.js';"), expect: 'src/uplink/retry.ts: uplink may not import downlink (src/downlink/ports.ts)' },
  { name: 'one store imports the other', given: file('src/store/local/outbox.ts', "import '../redis/outbox.js';"), expect: 'src/store/local/outbox.ts: store/local may not import store/redis (src/store/redis/outbox.ts)' },
  { name: 'a store imports aws', given: file('src/store/local/outbox.ts', "import '../../aws/pacing.js';"), expect: 'src/store/local/outbox.ts: store/local may not import aws (src/aws/pacing.ts)' },
  { name: 'messages import topics', given: file('src/messages/uplink.ts', "import '../topics/topic-pattern.js';"), expect: 'src/messages/uplink.ts: messages may not import topics (src/topics/topic-pattern.ts)' },
  { name: 'a network server imports another', given: file('src/network-servers/chirpstack/parse.ts', "import '../sigfox/parse.js';"), expect: 'src/network-servers/chirpstack/parse.ts: only src/network-servers/registry.ts and the folder itself may import network-servers/sigfox (src/network-servers/sigfox/parse.ts)' },
  { name: 'what all network servers share imports one', given: file('src/network-servers/fields.ts', "import '../network-servers/sigfox/parse.js';"), expect: 'src/network-servers/fields.ts: only src/network-servers/registry.ts and the folder itself may import network-servers/sigfox (src/network-servers/sigfox/parse.ts)' },
  { name: 'ingress goes around the registry', given: file('src/ingress/respond.ts', "import '../network-servers/sigfox/parse.js';"), expect: 'src/ingress/respond.ts: only src/network-servers/registry.ts and the folder itself may import network-servers/sigfox (src/network-servers/sigfox/parse.ts)' },
  { name: 'config imports a network server', given: file('src/config/schema.ts', "import '../network-servers/registry.js';"), expect: 'src/config/schema.ts: config may not import network-servers (src/network-servers/registry.ts)' },
  { name: 'the sandbox imports messages', given: file('src/sandbox/policy.ts', "import '../messages/uplink.js';"), expect: 'src/sandbox/policy.ts: sandbox may not import messages (src/messages/uplink.ts)' },
  { name: 'a command imports aws', given: file('src/cli/start.ts', "import '../aws/pacing.js';"), expect: 'src/cli/start.ts: cli may not import aws (src/aws/pacing.ts)' },
  { name: 'app imports a command', given: file('src/app.ts', "import './cli/start.js';"), expect: 'src/app.ts: app may not import cli (src/cli/start.ts)' },
  { name: 'main imports app', given: file('src/main.ts', "import './app.js';"), expect: 'src/main.ts: main may not import app (src/app.ts)' },
  { name: 'errors import the log', given: file('src/errors.ts', "import './log.js';"), expect: 'src/errors.ts: errors may not import log (src/log.ts)' },
  { name: 'the value of a port file', given: file('src/aws/pacing.ts', "import { one } from '../uplink/ports.js';"), expect: 'src/aws/pacing.ts: aws may import only types of src/uplink/ports.ts: write `import type`' },
  { name: 'a type inside a value import of a port file', given: file('src/ingress/respond.ts', "import { type one } from '../uplink/ports.js';"), expect: 'src/ingress/respond.ts: ingress may import only types of src/uplink/ports.ts: write `import type`' },
  { name: 'a type and a value import of a port file', given: file('src/api/health.ts', "import type { one } from '../downlink/ports.js';", "import '../downlink/ports.js';"), expect: 'src/api/health.ts: api may import only types of src/downlink/ports.ts: write `import type`' },
  { name: 'a type of another file than the ports', given: file('src/aws/pacing.ts', "import type { one } from '../uplink/retry.js';"), expect: 'src/aws/pacing.ts: aws may not import uplink (src/uplink/retry.ts)' },
  { name: 'an export from', given: file('src/aws/pacing.ts', "export { one } from '../config/schema.js';", 'export const two = 2;'), expect: 'src/aws/pacing.ts: aws may not import config (src/config/schema.ts)' },
  { name: 'an import while running', given: file('src/aws/pacing.ts', "export const load = () => import('../api/health.js');"), expect: 'src/aws/pacing.ts: aws may not import api (src/api/health.ts)' },
  { name: 'an import in a type', given: file('src/flows/match.ts', "export type One = import('../config/schema.js').One;"), expect: 'src/flows/match.ts: flows may not import config (src/config/schema.ts)' },
  { name: 'an import of a computed name', given: file('src/cli/start.ts', 'export const load = (name: string) => import(name);'), expect: 'src/cli/start.ts: imports a name that only the running program knows' },
  { name: 'a file that is not there', given: file('src/aws/pacing.ts', "import './gone.js';"), expect: 'src/aws/pacing.ts: imports ./gone.js, which is no file of src' },
  { name: 'a file outside src', given: file('src/aws/pacing.ts', "import '../../test/support/layout.js';"), expect: 'src/aws/pacing.ts: imports ../../test/support/layout.js, which is no file of src' },
  { name: 'mqtt outside aws and the sandbox', given: file('src/cli/start.ts', "import { connect } from 'mqtt';"), expect: 'src/cli/start.ts: imports the package mqtt, which only aws and sandbox may import' },
  { name: 'mqtt-packet outside aws and the sandbox', given: file('src/ingress/respond.ts', "import 'mqtt-packet';"), expect: 'src/ingress/respond.ts: imports the package mqtt-packet, which only aws and sandbox may import' },
  { name: 'lmdb in the Redis store', given: file('src/store/redis/outbox.ts', "import type { Database } from 'lmdb';"), expect: 'src/store/redis/outbox.ts: imports the package lmdb, which only store/local may import' },
  { name: 'bullmq in the local store', given: file('src/store/local/outbox.ts', "import 'bullmq';"), expect: 'src/store/local/outbox.ts: imports the package bullmq, which only store/redis may import' },
  { name: 'ioredis in app', given: file('src/app.ts', "import 'ioredis';"), expect: 'src/app.ts: imports the package ioredis, which only store/redis may import' },
  { name: 'generic-pool outside aws', given: file('src/downlink/retry.ts', "import 'generic-pool';"), expect: 'src/downlink/retry.ts: imports the package generic-pool, which only aws may import' },
  { name: 'the AWS SDK outside aws', given: file('src/sandbox/policy.ts', "import '@aws-sdk/client-iot/dist-es/x.js';"), expect: 'src/sandbox/policy.ts: imports the package @aws-sdk/client-iot, which only aws may import' },
];

void t.test('each wrong import is one problem that names both sides', async (t) => {
  for (const { name, given, expect } of wrongImports) t.strictSame(problemsWith(given).filter((problem) => !problem.startsWith('cycle')), [expect], name);
});

const wrongFiles: readonly { name: string; given: SourceFile; expect: string }[] = [
  { name: 'an unknown room', given: file('src/utils/strings.ts', 'export const one = 1;'), expect: 'src/utils/strings.ts: stands in no known room of src' },
  { name: 'an unknown file in src', given: file('src/server.ts', 'export const one = 1;'), expect: 'src/server.ts: stands in no known room of src' },
  { name: 'a room named like a single file', given: file('src/log/start.ts', 'export const one = 1;'), expect: 'src/log/start.ts: stands in no known room of src' },
  { name: 'a single file named like a room', given: file('src/aws.ts', 'export const one = 1;'), expect: 'src/aws.ts: stands in no known room of src' },
  { name: 'a file between the two stores', given: file('src/store/outbox.ts', 'export const one = 1;'), expect: 'src/store/outbox.ts: stands in no known room of src' },
  { name: 'a third store', given: file('src/store/postgres/outbox.ts', 'export const one = 1;'), expect: 'src/store/postgres/outbox.ts: stands in no known room of src' },
  { name: 'camelCase', given: file('src/aws/sessionPool.ts', 'export const one = 1;'), expect: 'src/aws/sessionPool.ts: is not named in kebab-case' },
  { name: 'snake_case in a folder', given: file('src/network-servers/the_things/parse.ts', 'export const one = 1;'), expect: 'src/network-servers/the_things/parse.ts: is not named in kebab-case' },
  { name: 'index.ts', given: file('src/flows/index.ts', 'export const one = 1;'), expect: 'src/flows/index.ts: is a barrel: import from the file itself' },
  { name: 'only exports of others', given: file('src/flows/all.ts', "import type { one } from './match.js';", "export { one as two } from './match.js';", 'export type { one };'), expect: 'src/flows/all.ts: is a barrel: import from the file itself' },
  { name: 'export *', given: file('src/flows/all.ts', "export * from './match.js';", 'export const two = 2;'), expect: 'src/flows/all.ts: is a barrel: import from the file itself' },
  { name: 'export * as', given: file('src/flows/all.ts', "export * as match from './match.js';", 'export const two = 2;'), expect: 'src/flows/all.ts: is a barrel: import from the file itself' },
  { name: 'export default of a value', given: file('src/flows/all.ts', 'export default 1;'), expect: 'src/flows/all.ts: has a default export' },
  { name: 'export default of a function', given: file('src/flows/all.ts', 'export default function all(): void {}'), expect: 'src/flows/all.ts: has a default export' },
  { name: 'export as default', given: file('src/flows/all.ts', 'const all = 1;', 'export { all as default };'), expect: 'src/flows/all.ts: has a default export' },
  { name: '401 lines without a reason', given: file('src/flows/all.ts', ...Array<string>(401).fill('// one')), expect: 'src/flows/all.ts: has 401 lines and no `// long: reason` on line 1' },
];

void t.test('each file that stands, is named or exports wrongly is one problem', async (t) => {
  for (const { name, given, expect } of wrongFiles) t.strictSame(problemsWith(given), [expect], name);
});

void t.test('a long file may say why', async (t) => {
  const lines = (count: number): string[] => Array<string>(count).fill('// one');
  t.strictSame(problemsWith(file('src/flows/all.ts', ...lines(400))), []);
  t.strictSame(problemsWith(file('src/flows/all.ts', '// long: one table of every case', ...lines(400))), []);
  t.strictSame(filesToLookAtAgain([file('src/a.ts', ...lines(250)), file('src/b.ts', ...lines(251)), file('src/c.ts', ...lines(402))]), ['src/c.ts has 402 lines', 'src/b.ts has 251 lines']);
});

void t.test('cycles are found once each, in one room, over rooms and through types', async (t) => {
  const cyclic = [
    file('src/aws/a.ts', "import './b.js';"),
    file('src/aws/b.ts', "import type { c } from './c.js';"),
    file('src/aws/c.ts', "import './a.js';", "import './d.js';"),
    file('src/aws/d.ts', "import './d.js';"),
  ];
  t.strictSame(problemsWith(...cyclic), ['cycle: src/aws/a.ts → src/aws/b.ts → src/aws/c.ts → src/aws/a.ts', 'cycle: src/aws/d.ts → src/aws/d.ts']);
  t.strictSame(problemsWith(file('src/cli/start.ts', "import '../app.js';"), file('src/app.ts', "import './cli/start.js';")), [
    'src/app.ts: app may not import cli (src/cli/start.ts)',
    'cycle: src/app.ts → src/cli/start.ts → src/app.ts',
  ]);
  t.strictSame(problemsWith(file('src/aws/a.ts', "import './b.js';", "import './c.js';"), file('src/aws/b.ts', "import './c.js';"), file('src/aws/c.ts', 'export const one = 1;')), []);
});

void t.test('packages are named without their inner paths and without what Node brings', async (t) => {
  const files = [file('src/a.ts', "import 'node:fs';", "import '@scope/name/inner.js';", "import type { X } from 'lmdb';"), file('src/b.ts', "import './a.js';", "export const load = () => import('yaml/util');")];
  t.strictSame(importedPackages(files), ['@scope/name', 'lmdb', 'yaml']);
});
