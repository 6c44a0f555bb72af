import { posix } from 'node:path';
import { readImports, type FileShape, type Import } from './read-imports.js';

/** A source file: its path from the project root with forward slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

interface RoomRule {
  /** The rooms it may import, besides itself. */
  readonly imports: readonly string[];
  /** May import the types, and only the types, of `uplink/ports.ts`, `downlink/ports.ts` and `api/ports.ts`. */
  readonly portTypes?: true;
}

/** What every room may import. */
const ground = ['errors', 'log', 'lifecycle', 'backoff', 'in-turn', 'metric-family', 'recent-map', 'forget-oldest', 'slot-map', 'same-device', 'text-hash', 'side-by-side', 'deferred', 'given', 'durable-file'];

/** Who may import whom: the two edges, network servers and AWS, never meet but in `app`, which is the one file that knows every room. */
const rooms: Readonly<Record<string, RoomRule>> = {
  errors: { imports: [] },
  log: { imports: ['errors'] },
  lifecycle: { imports: ['errors', 'log'] },
  backoff: { imports: [] },
  'in-turn': { imports: [] },
  'metric-family': { imports: [] },
  'recent-map': { imports: [] },
  'forget-oldest': { imports: [] },
  'slot-map': { imports: [] },
  'same-device': { imports: [] },
  'text-hash': { imports: [] },
  'side-by-side': { imports: [] },
  deferred: { imports: [] },
  given: { imports: [] },
  'durable-file': { imports: [] },
  messages: { imports: ground },
  topics: { imports: [...ground, 'messages'] },
  config: { imports: [...ground, 'topics'] },
  'network-servers': { imports: [...ground, 'messages'] },
  flows: { imports: [...ground, 'messages', 'topics'] },
  uplink: { imports: [...ground, 'messages', 'topics', 'flows'] },
  downlink: { imports: [...ground, 'messages', 'topics', 'flows'] },
  aws: { imports: [...ground, 'messages', 'topics'], portTypes: true },
  'store/local': { imports: [...ground, 'messages', 'topics'], portTypes: true },
  'store/redis': { imports: [...ground, 'messages', 'topics'], portTypes: true },
  ingress: { imports: [...ground, 'network-servers', 'messages'], portTypes: true },
  api: { imports: [...ground, 'messages', 'topics', 'config'], portTypes: true },
  sandbox: { imports: ground },
  cli: { imports: [...ground, 'config', 'topics', 'sandbox', 'app'] },
  app: {
    imports: [
      ...ground, 'messages', 'topics', 'config', 'network-servers', 'flows', 'uplink', 'downlink', 'aws', 'store/local', 'store/redis', 'ingress', 'api', 'sandbox',
    ],
  },
  main: { imports: ['errors', 'log', 'cli'] },
};

/** Rooms that are one file, directly in src/. */
const singleFiles = ['errors', 'log', 'lifecycle', 'backoff', 'in-turn', 'metric-family', 'recent-map', 'forget-oldest', 'slot-map', 'same-device', 'text-hash', 'side-by-side', 'deferred', 'given', 'durable-file', 'app', 'main'];

/** Packages that belong to some rooms only. A name that ends in `/` stands for every package of that scope. */
const packageRooms: Readonly<Record<string, readonly string[]>> = {
  bullmq: ['store/redis'],
  ioredis: ['store/redis'],
  lmdb: ['store/local'],
  mqtt: ['aws', 'sandbox'],
  'mqtt-packet': ['aws', 'sandbox'],
  'generic-pool': ['aws'],
  '@aws-sdk/': ['aws'],
  '@smithy/': ['aws'],
  ws: ['aws', 'sandbox'],
  '@fastify/': ['api'],
};

const portFiles = ['src/uplink/ports.ts', 'src/downlink/ports.ts', 'src/api/ports.ts'];
const registryFile = 'src/network-servers/registry.ts';
const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const lookAgainLines = 250;
const longLines = 400;

const countLines = (text: string): number => text.replace(/\n$/, '').split('\n').length;
const statesReason = (text: string): boolean => /^\/\/ long: \S/.test(text);

/** `src/aws/pacing.ts` → `aws`; `src/app/health.ts` belongs to `app.ts`, which it keeps short; `src/app.ts` → `app`; undefined for a place that the table does not know. */
const roomOf = (path: string): string | undefined => {
  const parts = path.replace(/\.ts$/, '').split('/').slice(1);
  if (parts.length === 1) return singleFiles.find((name) => name === parts[0]);
  const names = [`${parts[0]}/${parts[1]}`, parts[0] ?? ''];
  return names.find((name) => Object.hasOwn(rooms, name) && (name === 'app' || !singleFiles.includes(name)) && parts.length > name.split('/').length);
};

const isRelative = (specifier: string): boolean => specifier.startsWith('.');

/** The source file that a relative import names. */
const targetOf = (from: string, specifier: string): string => posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');

/** `@aws-sdk/client-iot/dist` → `@aws-sdk/client-iot`. */
const packageOf = (specifier: string): string => specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');

const packageProblem = (room: string, specifier: string): string | undefined => {
  const name = packageOf(specifier);
  const owners = Object.entries(packageRooms).find(([key]) => key === name || (key.endsWith('/') && name.startsWith(key)))?.[1];
  return owners === undefined || owners.includes(room) ? undefined : `imports the package ${name}, which only ${owners.join(' and ')} may import`;
};

/** `src/network-servers/sigfox/parse.ts` → `sigfox`; undefined for what all network servers share. */
const kindOf = (path: string): string | undefined => /^src\/network-servers\/([^/]+)\//.exec(path)?.[1];

/** A kind of network server stands alone: a new one is a folder and a line in the registry. */
const kindProblem = (path: string, target: string): string | undefined => {
  const kind = kindOf(target);
  return kind === undefined || kind === kindOf(path) || path === registryFile ? undefined : `only ${registryFile} and the folder itself may import network-servers/${kind} (${target})`;
};

const roomProblem = (room: string, target: string, typeOnly: boolean): string | undefined => {
  const rule = rooms[room];
  const targetRoom = roomOf(target);
  if (rule === undefined || targetRoom === undefined || targetRoom === room || rule.imports.includes(targetRoom)) return undefined;
  if (rule.portTypes !== true || !portFiles.includes(target)) return `${room} may not import ${targetRoom} (${target})`;
  return typeOnly ? undefined : `${room} may import only types of ${target}: write \`import type\``;
};

const importProblem = (file: SourceFile, room: string, entry: Import, known: ReadonlySet<string>): string | undefined => {
  const { specifier, typeOnly } = entry;
  if (specifier === '') return 'imports a name that only the running program knows';
  if (!isRelative(specifier)) return packageProblem(room, specifier);
  const target = targetOf(file.path, specifier);
  return known.has(target) ? (roomProblem(room, target, typeOnly) ?? kindProblem(file.path, target)) : `imports ${specifier}, which is no file of src`;
};

const shapeProblems = (file: SourceFile, shape: FileShape): string[] => {
  const name = posix.basename(file.path);
  const problems: string[] = [];
  if (!file.path.replace(/\.ts$/, '').split('/').every((part) => kebabCase.test(part))) problems.push('is not named in kebab-case');
  if (name === 'index.ts' || shape.barrel) problems.push('is a barrel: import from the file itself');
  if (shape.defaultExport) problems.push('has a default export');
  if (countLines(file.text) > longLines && !statesReason(file.text)) problems.push(`has ${countLines(file.text)} lines and no \`// long: reason\` on line 1`);
  return problems;
};

/** Every cycle once, from its alphabetically first file: `a → b → a`. */
const findCycles = (graph: ReadonlyMap<string, readonly string[]>): string[] => {
  const cycles = new Set<string>();
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      const cycle = trail.slice(at);
      const first = cycle.indexOf([...cycle].sort()[0] ?? path);
      const turned = [...cycle.slice(first), ...cycle.slice(0, first)];
      cycles.add([...turned, turned[0]].join(' → '));
    } else if (!done.has(path)) {
      for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
      done.add(path);
    }
  };
  for (const path of graph.keys()) visit(path, []);
  return [...cycles];
};

/** Everything that breaks the layout of src/, each as `path: what is wrong`; empty when all is in its place. */
export const layoutProblems = (files: readonly SourceFile[]): string[] => {
  const known = new Set(files.map((file) => file.path));
  const graph = new Map<string, readonly string[]>();
  const problems = files.flatMap((file) => {
    const shape = readImports(file.text);
    const room = roomOf(file.path);
    graph.set(file.path, shape.imports.filter((entry) => isRelative(entry.specifier)).map((entry) => targetOf(file.path, entry.specifier)));
    const found = room === undefined ? ['stands in no known room of src'] : shape.imports.flatMap((entry) => importProblem(file, room, entry, known) ?? []);
    return [...new Set([...found, ...shapeProblems(file, shape)])].map((problem) => `${file.path}: ${problem}`);
  });
  return [...problems, ...findCycles(graph).map((cycle) => `cycle: ${cycle}`)];
};

/** Files that may have grown too long, the longest first. */
export const filesToLookAtAgain = (files: readonly SourceFile[]): string[] =>
  files
    .map((file) => ({ path: file.path, lines: countLines(file.text) }))
    .filter((file) => file.lines > lookAgainLines)
    .sort((a, b) => b.lines - a.lines)
    .map((file) => `${file.path} has ${file.lines} lines`);

/** The packages that the files import, without Node's own modules. */
export const importedPackages = (files: readonly SourceFile[]): string[] => {
  const specifiers = files.flatMap((file) => readImports(file.text).imports.map((entry) => entry.specifier));
  const outside = specifiers.filter((specifier) => specifier !== '' && !isRelative(specifier) && !specifier.startsWith('node:'));
  return [...new Set(outside.map(packageOf))].sort();
};
