import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { loadConfig, type LoadedConfig } from '../../src/config/load.js';
import { ConfigError, problemLine } from '../../src/config/problem.js';
import type { TestCertificates } from '../support/certificates.js';
import { testDir } from '../support/test-dir.js';

export type Env = Readonly<Record<string, string | undefined>>;

/** A folder with certificates beside the configuration. */
export const configFolder = (t: Test, certificates: TestCertificates, extra: Record<string, string> = {}): string =>
  testDir(t, {
    certs: {
      'ca.pem': certificates.ca,
      'bridge.pem': certificates.cert,
      'bridge.key': certificates.key,
      'other.key': certificates.otherKey,
      'encrypted.key': certificates.encryptedKey,
      'public.pem': certificates.publicKey,
      'expired.pem': certificates.expired,
      'expired-ca.pem': certificates.expiredCa,
      'future.pem': certificates.future,
      'ending.pem': certificates.ending,
      'damaged.pem': certificates.cert.replace(/\n[A-Za-z0-9+/]{10}/, '\nAAAAAAAAAA'),
      'damaged.key': certificates.key.replace(/\n[A-Za-z0-9+/]{10}/, '\nAAAAAAAAAA'),
      'bundle.pem': `${certificates.expiredCa}${certificates.ca}`,
      'text.pem': 'not PEM at all\n',
    },
    ...extra,
  });

export const networkServer = `networkServers:
  - id: factory
    kind: chirpstack
    authenticate: { bearer: "marker-bearer" }
`;

export const connection = `connections:
  - id: main
    connectorId: aws-iot
    configuration:
      endpoint: localhost:8883
      certificate_file: certs/bridge.pem
      privateKey_file: certs/bridge.key
      caCertificate_file: certs/ca.pem
`;

/** The shortest configuration that is valid. */
export const minimal = `${networkServer}${connection}`;

/** The minimal connection with lines added to its configuration. */
export const withSettings = (...lines: string[]): string => `${minimal}${lines.map((line) => `      ${line}\n`).join('')}`;

export const load = (folder: string, env: Env = {}): LoadedConfig => loadConfig({ file: join(folder, 'bridge.yaml'), env });

/** Each problem as its line, or the empty list where the configuration is valid. */
export const problemsOf = (folder: string, env: Env = {}): string[] => {
  try {
    load(folder, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(problemLine);
    throw error;
  }
};

/** A configuration and everything that is wrong with it. */
export interface WrongConfig {
  readonly name: string;
  readonly yaml: string;
  readonly env?: Env;
  readonly problems: readonly string[];
}

export const checkWrongConfigs = (t: Test, certificates: TestCertificates, rows: readonly WrongConfig[]): void => {
  const folder = configFolder(t, certificates);
  for (const { name, yaml, env, problems } of rows) {
    writeFileSync(join(folder, 'bridge.yaml'), yaml);
    t.same(problemsOf(folder, env), problems, name);
  }
};
