import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BridgeError } from '../errors.js';
import type { CertificateKind, IssuedCertificate } from './issue-certificate.js';

/** A certificate with its key, and where both are kept. */
export interface CertificateFiles extends IssuedCertificate {
  /** Path of the certificate, `<name>.pem`. */
  readonly certificatePath: string;
  /** Path of the private key, `<name>.key`, readable for its owner only. */
  readonly privateKeyPath: string;
}

/** The certificates of one data directory. */
export interface CertificateStore {
  readonly ca: CertificateFiles;
  readonly server: CertificateFiles;
  /** The client certificate of this name, made when it is not there yet. Names: letters, digits and `-`. */
  client(name: string): Promise<CertificateFiles>;
}

const readIfThere = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

/** A reader never sees half a file, and a key is never readable for others, not even for a moment. */
const writeWhole = async (path: string, text: string, mode: number): Promise<void> => {
  await writeFile(`${path}.new`, text, { mode });
  await rename(`${path}.new`, path);
};

/** Usable: readable, a pair, not expired, and signed by the CA of the same directory. */
const isUsable = ({ certificate, privateKey }: IssuedCertificate, ca: IssuedCertificate | undefined): boolean => {
  try {
    const parsed = new X509Certificate(certificate);
    const issuer = ca === undefined ? parsed : new X509Certificate(ca.certificate);
    return Date.parse(parsed.validTo) > Date.now() && parsed.checkPrivateKey(createPrivateKey(privateKey)) && parsed.verify(issuer.publicKey);
  } catch {
    return false;
  }
};

interface Wanted {
  readonly kind: CertificateKind;
  readonly name: string;
  readonly commonName: string;
  readonly ca?: CertificateFiles;
}

const ensure = async (dataDir: string, { kind, name, commonName, ca }: Wanted): Promise<CertificateFiles> => {
  const paths = { certificatePath: join(dataDir, `${name}.pem`), privateKeyPath: join(dataDir, `${name}.key`) };
  const [certificate, privateKey] = await Promise.all([readIfThere(paths.certificatePath), readIfThere(paths.privateKeyPath)]);
  if (certificate !== undefined && privateKey !== undefined && isUsable({ certificate, privateKey }, ca)) {
    return { certificate, privateKey, ...paths };
  }
  // Loaded only now: most runs find what they need and never pay for the X.509 library.
  const { issueCertificate } = await import('./issue-certificate.js');
  const made = await issueCertificate(kind, commonName, ca);
  await writeWhole(paths.privateKeyPath, made.privateKey, 0o600);
  await writeWhole(paths.certificatePath, made.certificate, 0o644);
  return { ...made, ...paths };
};

const reserved = new Set(['ca', 'server']);

/**
 * Opens a data directory: `ca.pem`, `server.pem` and their `.key` files are made when they are missing or unusable,
 * and used again by later runs. A new CA also means a new server certificate and new client certificates.
 * @throws BridgeError `config_invalid` for a client name that is no file name or is taken.
 */
export const openCertificateStore = async (dataDir: string): Promise<CertificateStore> => {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const ca = await ensure(dataDir, { kind: 'ca', name: 'ca', commonName: 'lpwan-bridge sandbox CA' });
  const server = await ensure(dataDir, { kind: 'server', name: 'server', commonName: 'localhost', ca });
  return {
    ca,
    server,
    client: async (name) => {
      if (!/^[A-Za-z0-9-]{1,64}$/.test(name) || reserved.has(name)) {
        throw new BridgeError('config_invalid', { field: 'name', detail: `${name} cannot name a client certificate` });
      }
      return ensure(dataDir, { kind: 'client', name, commonName: name, ca });
    },
  };
};
