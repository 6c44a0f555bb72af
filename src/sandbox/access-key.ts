import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { account, userArn } from './arn.js';

/** An access key of the sandbox: the fixed one of its user, or a temporary one of a role. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Who calls, as an ARN. */
  readonly arn: string;
  /** `UserId` of STS. */
  readonly userId: string;
  /** Set for a temporary key, which counts only together with it. */
  readonly sessionToken?: string;
  readonly expiresAt?: Date;
}

/** The access keys that are valid. */
export interface AccessKeys {
  readonly own: AccessKey;
  find(accessKeyId: string): AccessKey | undefined;
  /** A temporary key of a role's session. */
  issue(roleName: string, sessionName: string, lifetimeSeconds: number): AccessKey & { readonly sessionToken: string; readonly expiresAt: Date };
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** AWS's ids: four letters that say of what, and sixteen. */
const newId = (prefix: string): string => prefix + [...randomBytes(16)].map((byte) => letters[byte % letters.length]).join('');

const newSecret = (): string => randomBytes(30).toString('base64');

const fileSchema = z.object({ accessKeyId: z.string().regex(/^AKIA[A-Z2-7]{16}$/), secretAccessKey: z.string().length(40) });

const read = async (path: string): Promise<z.output<typeof fileSchema> | undefined> => {
  try {
    return fileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined; // not there yet, or not usable: a new one is made
  }
};

/** Readable for its owner only, and never half written. */
const make = async (path: string): Promise<z.output<typeof fileSchema>> => {
  const made = { accessKeyId: newId('AKIA'), secretAccessKey: newSecret() };
  await writeFile(`${path}.new`, JSON.stringify(made), { mode: 0o600 });
  await rename(`${path}.new`, path);
  return made;
};

/** Opens `access-key.json` of a data directory; made when it is missing, and used again by later runs. */
export const openAccessKeys = async (dataDir: string): Promise<AccessKeys> => {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const path = join(dataDir, 'access-key.json');
  const own: AccessKey = { ...((await read(path)) ?? (await make(path))), arn: userArn, userId: 'AIDASANDBOXSANDBOXSB' };
  const keys = new Map([[own.accessKeyId, own]]);
  return {
    own,
    find: (accessKeyId) => keys.get(accessKeyId),
    issue: (roleName, sessionName, lifetimeSeconds) => {
      const key = {
        accessKeyId: newId('ASIA'),
        secretAccessKey: newSecret(),
        sessionToken: randomBytes(96).toString('base64'),
        expiresAt: new Date(Date.now() + lifetimeSeconds * 1000),
        arn: `arn:aws:sts::${account}:assumed-role/${roleName}/${sessionName}`,
        userId: `AROASANDBOXSANDBOXSB:${sessionName}`,
      };
      keys.set(key.accessKeyId, key);
      return key;
    },
  };
};
