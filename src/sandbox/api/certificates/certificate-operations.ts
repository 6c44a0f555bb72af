import { X509Certificate } from 'node:crypto';
import { account } from '../../arn.js';
import { certificateArnOf, certificateIdOf, certificateStatuses, type CertificateRecord } from '../../registry.js';
import { ApiError } from '../api-error.js';
import type { Cloud } from '../cloud.js';
import { epochSeconds } from '../new-resource.js';
import { notFound } from '../api-error.js';
import type { ApiRequest, Operation } from '../operation.js';
import { markerPaging, pageOf } from '../paging.js';
import { checkText, readFlag, readWord } from '../read-member.js';

const resources = (request: ApiRequest): readonly string[] => [`cert/${request.path['certificateId'] ?? ''}`];

const recordIn = (cloud: Cloud, request: ApiRequest): CertificateRecord => {
  const id = checkText('certificateId', request.path['certificateId'], /^(?:0x)?[a-fA-F0-9]{64}$/);
  const record = cloud.registry.certificate(id.replace(/^0x/, '').toLowerCase());
  if (record === undefined) throw notFound('Certificate', id);
  return record;
};

const brief = ({ id, status, mode, createdAt }: CertificateRecord): object => ({
  certificateArn: certificateArnOf(id),
  certificateId: id,
  status,
  certificateMode: mode,
  creationDate: epochSeconds(createdAt),
});

/** The id of the sandbox's CA where it signed the certificate. */
const issuerOf = (pem: string, cloud: Cloud): object => {
  const ca = new X509Certificate(cloud.ca.certificate);
  return new X509Certificate(pem).checkIssued(ca) ? { caCertificateId: certificateIdOf(cloud.ca.certificate) } : {};
};

const describeCertificate = (cloud: Cloud, request: ApiRequest): object => {
  const record = recordIn(cloud, request);
  const { validFrom, validTo } = new X509Certificate(record.pem);
  return {
    certificateDescription: {
      ...brief(record),
      ...issuerOf(record.pem, cloud),
      certificatePem: record.pem,
      ownedBy: account,
      lastModifiedDate: epochSeconds(record.changedAt),
      customerVersion: 1,
      generationId: record.generationId,
      validity: { notBefore: epochSeconds(new Date(validFrom)), notAfter: epochSeconds(new Date(validTo)) },
    },
  };
};

const listCertificates = (cloud: Cloud, request: ApiRequest): object => {
  const { items, more } = pageOf(request, markerPaging, cloud.registry.certificates());
  return { certificates: items.map(brief), ...more };
};

/** PENDING states cannot be set by a caller. */
const updateCertificate = (cloud: Cloud, request: ApiRequest): object => {
  const record = recordIn(cloud, request);
  checkText('newStatus', request.query.get('newStatus') ?? undefined, /^[A-Z_]+$/);
  const status = readWord(request, 'newStatus', certificateStatuses) ?? record.status;
  cloud.registry.setStatus(record.id, status);
  return {};
};

const isAttachedToThing = (cloud: Cloud, certificateId: string): boolean => {
  for (const { principals } of cloud.things.values()) if (principals.has(certificateId)) return true;
  return false;
};

/** `forceDelete` overlooks policies, but not things. */
const deleteCertificate = (cloud: Cloud, request: ApiRequest): object => {
  const { id, status, policies } = recordIn(cloud, request);
  if (status === 'ACTIVE') throw new ApiError('CertificateStateException', `Certificate must be deactivated (not ACTIVE) before deletion. certificateId=${id}`);
  if (isAttachedToThing(cloud, id)) throw new ApiError('DeleteConflictException', `Things must be detached before deletion (arn: ${certificateArnOf(id)})`);
  if (policies.size > 0 && !readFlag(request, 'forceDelete')) {
    throw new ApiError('DeleteConflictException', `Certificate policies must be detached before deletion (arn: ${certificateArnOf(id)})`);
  }
  cloud.registry.remove(id);
  return {};
};

const path = '/certificates/{certificateId}';

export const certificateOperations: readonly Operation[] = [
  { name: 'DescribeCertificate', method: 'GET', path, resources, perform: describeCertificate },
  { name: 'ListCertificates', method: 'GET', path: '/certificates', perform: listCertificates },
  { name: 'UpdateCertificate', method: 'PUT', path, resources, perform: updateCertificate },
  { name: 'DeleteCertificate', method: 'DELETE', path, resources, perform: deleteCertificate },
];
