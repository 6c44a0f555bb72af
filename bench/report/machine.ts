import { spawnSync } from 'node:child_process';
import { readFileSync, statfsSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem, type } from 'node:os';

/** Where it ran, and with what. */
export interface Surroundings {
  readonly machine: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
}

/** Of the first line that a program writes; `unknown` when it does not start. */
const programVersion = (command: string, args: readonly string[], form: RegExp): string => {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` } });
  return form.exec(`${stdout ?? ''}${stderr ?? ''}`)?.[1] ?? 'unknown';
};

const packageVersion = (name: string): string => (JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')) as { readonly version: string }).version;

interface Mount {
  readonly at: string;
  readonly kind: string;
}

const mounts = (): readonly Mount[] =>
  readFileSync('/proc/mounts', 'utf8').split('\n').flatMap((line) => {
    const [, at, kind] = line.split(' ');
    return at === undefined || kind === undefined ? [] : [{ at, kind }];
  });

/** Kind and size of the file system that holds the folder. */
const fileSystemOf = (folder: string): string => {
  const holds = ({ at }: Mount): boolean => at === '/' || folder === at || folder.startsWith(`${at}/`);
  const mount = mounts().filter(holds).sort((one, other) => other.at.length - one.at.length)[0];
  const { blocks, bsize } = statfsSync(folder);
  return `${mount?.kind ?? 'unknown'}, ${Math.round((blocks * bsize) / 1024 ** 3)} GB`;
};

export const surroundings = (): Surroundings => {
  const [processor] = cpus();
  return {
    machine: {
      CPU: `${processor?.model.trim() ?? 'unknown'}, ${cpus().length} cores`,
      memory: `${Math.round(totalmem() / 1024 ** 3)} GB`,
      kernel: `${type()} ${/^\d+\.\d+/.exec(release())?.[0] ?? release()}`,
      'file system': fileSystemOf(tmpdir()),
    },
    versions: {
      Node: process.versions.node,
      fastify: packageVersion('fastify'),
      mqtt: packageVersion('mqtt'),
      lmdb: packageVersion('lmdb'),
      bullmq: packageVersion('bullmq'),
      mosquitto: programVersion('mosquitto', ['-h'], /version (\S+)/),
      redis: programVersion('redis-server', ['--version'], /v=(\S+)/),
      wrk: programVersion('wrk', ['--version'], /wrk (?:debian\/)?(\d[\w.]*)/),
    },
  };
};
