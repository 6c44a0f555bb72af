import type { TestCertificates } from '../../../support/certificates.js';

export interface Document {
  [key: string]: unknown;
}

/** A connection with only what it needs. */
export const connection = ({ cert, key }: TestCertificates, more: Document = {}, configuration: Document = {}): Document => ({
  connectorId: 'aws-iot',
  ...more,
  configuration: { endpoint: 'localhost:8883', certificate: cert, privateKey: key, ...configuration },
});

export const networkServer = (more: Document = {}): Document => ({ id: 'factory', kind: 'chirpstack', authenticate: { bearer: 'bearer-of-the-factory' }, ...more });

export const flow = (more: Document = {}): Document => ({ id: 'all', connections: ['main'], ...more });
