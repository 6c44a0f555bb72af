import { invalidRequest } from './api-error.js';
import type { Cloud } from './cloud.js';
import type { ApiRequest, Operation } from './operation.js';
import { readWord } from './read-member.js';

const endpointTypes = ['iot:Data-ATS', 'iot:Data', 'iot:CredentialProvider', 'iot:Jobs'] as const;

/**
 * `host:port` of the broker, where AWS answers a host alone: a port that the system chose cannot be guessed. Without a type AWS
 * means `iot:Data`, which it serves no longer.
 */
const describeEndpoint = (cloud: Cloud, request: ApiRequest): object => {
  const type = readWord(request, 'endpointType', endpointTypes) ?? 'iot:Data';
  if (type !== 'iot:Data-ATS') throw invalidRequest(`Endpoint type ${type} is not supported: ask for iot:Data-ATS.`);
  return { endpointAddress: cloud.endpoint };
};

export const describeEndpointOperation: Operation = { name: 'DescribeEndpoint', method: 'GET', path: '/endpoint', perform: describeEndpoint };
