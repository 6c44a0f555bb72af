import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { certificateArnOf, certificateIdOf, certificateStatuses, type RegisterOptions } from '../../registry.js';
import { alreadyExists, ApiError, invalidRequest } from '../api-error.js';
import type { Cloud } from '../cloud.js';
import type { ApiRequest, Operation } from '../operation.js';
import { readBody, readFlag } from '../read-member.js';

const csrSchema = z.object({ certificateSigningRequest: z.string().min(1, 'Member must not be null') });
const status = z.enum(certificateStatuses).optional();
const registerSchema = z.object({ certificatePem: z.string().min(1), caCertificatePem: z.string().optional(), status });
const withoutCaSchema = z.object({ certificatePem: z.string().min(1), status: z.string().optional() });

const registered = (id: string): object => ({ certificateArn: certificateArnOf(id), certificateId: id });

const statusOf = (request: ApiRequest): 'ACTIVE' | 'INACTIVE' => (readFlag(request, 'setAsActive') ? 'ACTIVE' : 'INACTIVE');

const registerMade = (cloud: Cloud, request: ApiRequest, certificatePem: string): object => ({
  ...registered(cloud.registry.register(certificatePem, { status: statusOf(request) })),
  certificatePem,
});

/** The private key is in this answer and nowhere else. */
const createKeysAndCertificate = async (cloud: Cloud, request: ApiRequest): Promise<object> => {
  const { issueWithKeys } = await import('./sign-certificate.js');
  const { certificatePem, keyPair } = await issueWithKeys(cloud.ca);
  return { ...registerMade(cloud, request, certificatePem), keyPair };
};

const createCertificateFromCsr = async (cloud: Cloud, request: ApiRequest): Promise<object> => {
  const { certificateSigningRequest } = readBody(csrSchema, request);
  const { issueForRequest } = await import('./sign-certificate.js');
  const certificatePem = await issueForRequest(cloud.ca, certificateSigningRequest);
  if (certificatePem === undefined) throw invalidRequest('Unable to sign certificate signing request: it cannot be read, or its signature does not hold.');
  return registerMade(cloud, request, certificatePem);
};

/** @throws ApiError CertificateValidationException */
const readPem = (pem: string): X509Certificate => {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new ApiError('CertificateValidationException', 'The certificate is no readable PEM.');
  }
};

const registerNew = (cloud: Cloud, pem: string, options: RegisterOptions): object => {
  const id = certificateIdOf(pem);
  if (cloud.registry.certificate(id) !== undefined) throw alreadyExists(`The certificate is already provisioned or registered: ${id}`, { id, arn: certificateArnOf(id) });
  return registered(cloud.registry.register(pem, options));
};

/** The sandbox knows one CA: its own. */
const registerCertificate = (cloud: Cloud, request: ApiRequest): object => {
  const body = readBody(registerSchema, request);
  const certificate = readPem(body.certificatePem);
  const ca = new X509Certificate(cloud.ca.certificate);
  if (!certificate.checkIssued(ca) || !certificate.verify(ca.publicKey)) {
    throw new ApiError('CertificateValidationException', 'The certificate was not signed by a CA certificate that is registered.');
  }
  return registerNew(cloud, body.certificatePem, { status: body.status ?? statusOf(request) });
};

/** Only the settable states are taken: PENDING_ACTIVATION is a 406. */
const registerWithoutCa = (cloud: Cloud, request: ApiRequest): object => {
  const body = readBody(withoutCaSchema, request);
  readPem(body.certificatePem);
  const wanted = certificateStatuses.find((known) => known === (body.status ?? 'INACTIVE'));
  if (wanted === undefined) throw new ApiError('CertificateStateException', `A certificate cannot be registered with status ${body.status ?? ''}.`);
  return registerNew(cloud, body.certificatePem, { status: wanted, mode: 'SNI_ONLY' });
};

export const issueOperations: readonly Operation[] = [
  { name: 'CreateKeysAndCertificate', method: 'POST', path: '/keys-and-certificate', perform: createKeysAndCertificate },
  { name: 'CreateCertificateFromCsr', method: 'POST', path: '/certificates', perform: createCertificateFromCsr },
  { name: 'RegisterCertificate', method: 'POST', path: '/certificate/register', perform: registerCertificate },
  { name: 'RegisterCertificateWithoutCA', method: 'POST', path: '/certificate/register-no-ca', perform: registerWithoutCa },
];
