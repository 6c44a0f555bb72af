import type { CheckStep } from '../../api/ports.js';

/**
 * The calls of the registry of AWS IoT that the bridge makes, with the most that AWS takes in a second in its smaller Regions
 * ("AWS IoT Core thing resource limits", General Reference), and the kind of resource that IAM asks a permission for
 * (Service Authorization Reference). `*`: IAM knows no resource for it.
 */
export const registryOperations = {
  DescribeThing: { perSecond: 350, resource: 'thing' },
  CreateThing: { perSecond: 50, resource: 'thing' },
  UpdateThing: { perSecond: 50, resource: 'thing' },
  DeleteThing: { perSecond: 50, resource: 'thing' },
  ListThings: { perSecond: 10, resource: '*' },
  AttachThingPrincipal: { perSecond: 50, resource: 'cert' },
  DetachThingPrincipal: { perSecond: 50, resource: 'cert' },
  CreateThingType: { perSecond: 15, resource: 'thingtype' },
  DescribeThingType: { perSecond: 50, resource: 'thingtype' },
  AddThingToThingGroup: { perSecond: 60, resource: 'thinggroup' },
  DescribeCertificate: { perSecond: 10, resource: 'cert' },
  DescribeEndpoint: { perSecond: 10, resource: '*' },
} as const;

export type RegistryOperation = keyof typeof registryOperations;
export const registryOperationNames = Object.keys(registryOperations) as RegistryOperation[];

/** A permission that IAM asks for. */
export type IamPermission = Omit<NonNullable<CheckStep['missing']>, 'policy'>;

const partitionOf = (region: string): string => {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
};

/** The permission that a call needs, with `*` for the account, which the call does not name. `name` is what the call is about: a name, or an ARN. */
export const permissionFor = (operation: RegistryOperation, name: string, region: string): IamPermission => {
  const { resource } = registryOperations[operation];
  const action = `iot:${operation}`;
  if (resource === '*') return { action, resource: '*' };
  return { action, resource: name.startsWith('arn:') ? name : `arn:${partitionOf(region)}:iot:${region}:*:${resource}/${name}` };
};
