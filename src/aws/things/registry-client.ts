import type { IoTClient } from '@aws-sdk/client-iot';
import { BridgeError, type Reason } from '../../errors.js';
import type { CredentialSource } from '../credentials.js';
import { isConflict, isNotFound, registryErrorOf } from './registry-error.js';
import { permissionFor, registryOperationNames, registryOperations, type RegistryOperation } from './registry-operations.js';
import { createRequestPace, type RequestPace } from './request-pace.js';

export interface RegistryOptions {
  readonly region: string;
  /** URL of the control plane where it is not AWS's own of the Region: a private link, a stand-in. */
  readonly endpoint?: string;
  /** PEM of the CAs that sign the endpoint's certificate; default: the public ones that Node.js brings. */
  readonly ca?: string;
  readonly credentials: CredentialSource;
  /** Calls of one kind in a second; AWS's own limit for the kind is kept where it is lower. */
  readonly requestsPerSecond: number;
  /** Limits that AWS raised for the account, calls in a second. */
  readonly quotas?: Partial<Record<RegistryOperation, number>>;
}

/** Is told of every call. */
export interface RegistryObserver {
  called(operation: RegistryOperation): void;
  failed(reason: Reason): void;
  throttled(): void;
}

/** A thing as the registry has it. */
export interface Thing {
  readonly name: string;
  readonly typeName?: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Only of use when a thing is made. */
  readonly billingGroup?: string;
}

export interface ThingChange {
  readonly typeName?: string;
  /** Added to those that are there. */
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * The registry of AWS IoT of one account and Region. Calls are paced by kind; a throttled one is repeated more slowly, any other failure is the caller's.
 * Every method @throws BridgeError registry_forbidden, registry_throttled, registry_refused, registry_unreachable, aws_credentials_missing, stopping
 */
export interface RegistryClient {
  describeThing(name: string): Promise<Thing | undefined>;
  /** `exists`: there is one with this name, which may be another one than asked for. */
  createThing(thing: Thing): Promise<'created' | 'exists'>;
  updateThing(name: string, change: ThingChange): Promise<void>;
  deleteThing(name: string): Promise<void>;
  /** Attaching twice is the same as once. */
  attachPrincipal(name: string, principal: string): Promise<void>;
  detachPrincipal(name: string, principal: string): Promise<void>;
  /** One that is there already is as good. */
  createThingType(name: string): Promise<void>;
  /** Undefined: there is none. */
  describeThingType(name: string): Promise<{ readonly deprecated: boolean } | undefined>;
  addToGroup(name: string, group: string): Promise<void>;
  /** ARN of a registered certificate by its id (the SHA-256 of its DER form, hex). */
  certificateArn(id: string): Promise<string | undefined>;
  /** Host name of the MQTT endpoint of the account. */
  describeEndpoint(): Promise<string>;
  /** All things with this value of an attribute, a page at a time. */
  listThings(attribute: string, value: string): AsyncIterable<readonly Thing[]>;
  /** Ends the waiting for a turn, and closes the sockets. */
  close(): void;
}

type Sdk = typeof import('@aws-sdk/client-iot');
type Send<T> = (client: IoTClient, sdk: Sdk) => Promise<T>;

const connectTimeoutMs = 5_000;
const requestTimeoutMs = 20_000;
const maxSockets = 24;
/** Then the caller decides; each repetition waits for its turn at a lower pace. */
const throttledAttempts = 12;
const listPageSize = 250;
/** The SDK asks for credentials again when they end within 5 minutes; those without an end are asked for as often as their source reads them anew. */
const assumedValidityMs = 15 * 60_000;

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

const createSdkClient = (sdk: Sdk, { region, endpoint, ca, credentials }: RegistryOptions): IoTClient =>
  new sdk.IoTClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    credentials: async () => ({ expiration: new Date(Date.now() + assumedValidityMs), ...(await credentials()) }),
    maxAttempts: 1,
    logger: silent,
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets },
      httpsAgent: { keepAlive: true, maxSockets, ...(ca === undefined ? {} : { ca }) },
      logger: silent,
    },
  });

interface SdkThing {
  readonly thingName?: string | undefined;
  readonly thingTypeName?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  readonly billingGroupName?: string | undefined;
}

const thingOf = ({ thingName = '', thingTypeName, attributes = {}, billingGroupName }: SdkThing): Thing => ({
  name: thingName,
  attributes,
  ...(thingTypeName === undefined ? {} : { typeName: thingTypeName }),
  ...(billingGroupName === undefined ? {} : { billingGroup: billingGroupName }),
});

/** What a call gives, or undefined where AWS answers that it is not there. */
const orUndefined = async <T>(call: Promise<T>): Promise<T | undefined> => {
  try {
    return await call;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
};

/** @returns `exists` where AWS answers that it is there and differs. */
const orExists = async (call: Promise<unknown>): Promise<'created' | 'exists'> => {
  try {
    await call;
    return 'created';
  } catch (error) {
    if (isConflict(error)) return 'exists';
    throw error;
  }
};

/** The SDK is loaded with the first call: a bridge without registration does not pay its memory. */
export const createRegistryClient = (options: RegistryOptions, observer?: RegistryObserver): RegistryClient => {
  const limitOf = (operation: RegistryOperation): number => Math.max(1, Math.min(options.requestsPerSecond, options.quotas?.[operation] ?? registryOperations[operation].perSecond));
  const paces = new Map<RegistryOperation, RequestPace>(registryOperationNames.map((operation) => [operation, createRequestPace(limitOf(operation))]));
  let loading: Promise<{ readonly sdk: Sdk; readonly client: IoTClient }> | undefined;
  let closed = false;

  const load = async (): Promise<{ readonly sdk: Sdk; readonly client: IoTClient }> => {
    const sdk = await import('@aws-sdk/client-iot');
    return { sdk, client: createSdkClient(sdk, options) };
  };

  /** @param name What the call is about, as IAM names it. */
  const attempt = async <T>(operation: RegistryOperation, name: string, send: Send<T>): Promise<T> => {
    try {
      await options.credentials();
      loading ??= load();
      const { sdk, client } = await loading;
      if (closed) throw new BridgeError('stopping');
      observer?.called(operation);
      return await send(client, sdk);
    } catch (error) {
      throw closed ? new BridgeError('stopping') : registryErrorOf(error, permissionFor(operation, name, options.region));
    }
  };

  const call = async <T>(operation: RegistryOperation, name: string, send: Send<T>): Promise<T> => {
    const pace = paces.get(operation) as RequestPace;
    for (let attempts = 1; ; attempts += 1) {
      await pace.turn();
      try {
        const answer = await attempt(operation, name, send);
        pace.succeeded();
        return answer;
      } catch (error) {
        const reason = (error as BridgeError).reason;
        if (reason === 'registry_throttled') {
          observer?.throttled();
          pace.throttled();
          if (attempts < throttledAttempts) continue;
        }
        if (reason !== 'stopping' && !isNotFound(error) && !isConflict(error)) observer?.failed(reason);
        throw error;
      }
    }
  };

  const listPage = (attribute: string, value: string, nextToken: string | undefined) =>
    call('ListThings', '*', (client, sdk) =>
      client.send(new sdk.ListThingsCommand({ attributeName: attribute, attributeValue: value, maxResults: listPageSize, ...(nextToken === undefined ? {} : { nextToken }) })),
    );

  return {
    async describeThing(name) {
      const found = await orUndefined(call('DescribeThing', name, (client, sdk) => client.send(new sdk.DescribeThingCommand({ thingName: name }))));
      return found === undefined ? undefined : thingOf(found);
    },
    createThing: ({ name, typeName, attributes, billingGroup }) =>
      orExists(
        call('CreateThing', name, (client, sdk) =>
          client.send(new sdk.CreateThingCommand({ thingName: name, thingTypeName: typeName, attributePayload: { attributes: { ...attributes } }, billingGroupName: billingGroup })),
        ),
      ),
    async updateThing(name, { typeName, attributes }) {
      const attributePayload = { attributes: { ...attributes }, merge: true };
      await call('UpdateThing', name, (client, sdk) => client.send(new sdk.UpdateThingCommand({ thingName: name, thingTypeName: typeName, attributePayload })));
    },
    async deleteThing(name) {
      await call('DeleteThing', name, (client, sdk) => client.send(new sdk.DeleteThingCommand({ thingName: name })));
    },
    async attachPrincipal(name, principal) {
      await call('AttachThingPrincipal', principal, (client, sdk) => client.send(new sdk.AttachThingPrincipalCommand({ thingName: name, principal })));
    },
    async detachPrincipal(name, principal) {
      await call('DetachThingPrincipal', principal, (client, sdk) => client.send(new sdk.DetachThingPrincipalCommand({ thingName: name, principal })));
    },
    async createThingType(name) {
      await orExists(call('CreateThingType', name, (client, sdk) => client.send(new sdk.CreateThingTypeCommand({ thingTypeName: name }))));
    },
    async describeThingType(name) {
      const found = await orUndefined(call('DescribeThingType', name, (client, sdk) => client.send(new sdk.DescribeThingTypeCommand({ thingTypeName: name }))));
      return found === undefined ? undefined : { deprecated: found.thingTypeMetadata?.deprecated === true };
    },
    async addToGroup(name, group) {
      await call('AddThingToThingGroup', group, (client, sdk) => client.send(new sdk.AddThingToThingGroupCommand({ thingName: name, thingGroupName: group })));
    },
    async certificateArn(id) {
      const found = await orUndefined(call('DescribeCertificate', id, (client, sdk) => client.send(new sdk.DescribeCertificateCommand({ certificateId: id }))));
      return found?.certificateDescription?.certificateArn;
    },
    async describeEndpoint() {
      const { endpointAddress = '' } = await call('DescribeEndpoint', '*', (client, sdk) => client.send(new sdk.DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' })));
      return endpointAddress;
    },
    async *listThings(attribute, value) {
      // A page may be short, or empty, and yet not be the last one.
      let nextToken: string | undefined;
      do {
        const page = await listPage(attribute, value, nextToken);
        yield (page.things ?? []).map(thingOf);
        nextToken = page.nextToken;
      } while (nextToken !== undefined && nextToken !== '');
    },
    close() {
      closed = true;
      for (const pace of paces.values()) pace.close();
      void loading?.then(({ client }) => client.destroy(), () => undefined);
    },
  };
};
