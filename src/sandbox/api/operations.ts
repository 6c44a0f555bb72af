import { certificateOperations } from './certificates/certificate-operations.js';
import { issueOperations } from './certificates/issue-operations.js';
import { describeEndpointOperation } from './describe-endpoint.js';
import type { Operation } from './operation.js';
import { attachmentOperations } from './policies/attachment-operations.js';
import { policyOperations } from './policies/policy-operations.js';
import { policyVersionOperations } from './policies/policy-version-operations.js';
import { billingGroupOperations } from './things/billing-group-operations.js';
import { groupMembershipOperations } from './things/group-membership-operations.js';
import { principalOperations } from './things/principal-operations.js';
import { thingGroupOperations } from './things/thing-group-operations.js';
import { thingOperations } from './things/thing-operations.js';
import { thingTypeOperations } from './things/thing-type-operations.js';

/** The table of the API: every operation of AWS IoT Core that the sandbox knows. */
export const operations: readonly Operation[] = [
  ...thingOperations,
  ...thingTypeOperations,
  ...principalOperations,
  ...groupMembershipOperations,
  ...thingGroupOperations,
  ...billingGroupOperations,
  ...issueOperations,
  ...certificateOperations,
  ...policyOperations,
  ...policyVersionOperations,
  ...attachmentOperations,
  describeEndpointOperation,
];
