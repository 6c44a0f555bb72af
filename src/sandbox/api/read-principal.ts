import { nameInArn } from '../arn.js';
import type { CertificateRecord } from '../registry.js';
import { invalidRequest, notFound } from './api-error.js';
import type { Cloud } from './cloud.js';

const certificateId = /^[0-9a-f]{64}$/;

/** The certificate that an ARN names. @throws ApiError InvalidRequestException for what is no ARN of this account, ResourceNotFoundException */
export const certificateOfArn = (cloud: Cloud, arn: string): CertificateRecord => {
  const id = nameInArn('cert', arn);
  if (id === undefined || !certificateId.test(id)) throw invalidRequest(`Invalid principal: ${arn} is no certificate of this account and Region.`);
  const record = cloud.registry.certificate(id);
  if (record === undefined) throw notFound('Certificate', id);
  return record;
};

/** For IAM, which is asked before anything is looked up: `cert/<id>`, or the text as it is when it is no ARN. */
export const resourceOfArn = (arn: unknown): string => {
  const text = typeof arn === 'string' ? arn : '';
  return /^arn:[^:]*:iot:[^:]*:[^:]*:(.+)$/s.exec(text)?.[1] ?? text;
};
