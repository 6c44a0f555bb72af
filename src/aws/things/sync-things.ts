import { BridgeError, messageOf } from '../../errors.js';
import type { ThingMemory, ThingRecord } from '../../uplink/ports.js';
import { createPrincipal, type CertificateReference } from './certificate-principal.js';
import { createEnsureThing, isOwn, type EnsureThing } from './ensure-thing.js';
import { createRegistryClient, type RegistryClient, type RegistryOptions } from './registry-client.js';
import { compileThingPattern, type ThingDraft, type ThingPattern, type ThingSettings } from './thing-pattern.js';
import { createWithThingType } from './thing-type.js';

/**
 * How a device and AWS agree. `missing`: the device is known, there is no thing; `unknown`: a thing of ours whose device was never heard; `wrong_type`: a thing of
 * ours of another thing type; `foreign`: the thing belongs to another system; `unnamed`: only the device's next message can tell the name of its thing.
 */
export const syncStates = ['ok', 'missing', 'unknown', 'wrong_type', 'foreign', 'unnamed'] as const;
export type SyncState = (typeof syncStates)[number];

export interface SyncDifference {
  readonly state: Exclude<SyncState, 'ok'>;
  /** Absent for `unknown`. */
  readonly deviceId?: string;
  /** Absent for `unnamed`. */
  readonly thingName?: string;
  readonly detail?: string;
  /** With `apply`: whether it was made right. */
  readonly result?: 'made' | 'mended' | 'failed';
}

export type SyncTotals = Readonly<Record<SyncState, number>> & { readonly made: number; readonly mended: number; readonly failed: number };

export interface SyncOptions {
  readonly connectionId: string;
  readonly registry: RegistryOptions;
  readonly things: ThingSettings;
  readonly certificate: CertificateReference;
  /** The devices of the connection. */
  readonly devices: AsyncIterable<{ readonly deviceId: string }>;
  readonly memory: ThingMemory;
  /** Makes what is missing and mends what is wrong. Nothing is ever deleted. */
  readonly apply: boolean;
  /** Called for each difference as it is found. */
  readonly onDifference: (difference: SyncDifference) => void;
}

/** A device and what its thing should be. */
interface Wanted {
  readonly deviceId: string;
  readonly draft: ThingDraft;
  readonly record: ThingRecord | undefined;
}

const sideBySide = 16;

/** Thing type by thing name of all things of ours; `''`: none. */
const ownThings = async (registry: RegistryClient, { ownerAttribute, owner }: ThingSettings): Promise<Map<string, string>> => {
  const types = new Map<string, string>();
  for await (const page of registry.listThings(ownerAttribute, owner)) {
    for (const { name, typeName = '' } of page) types.set(name, typeName);
  }
  return types;
};

/** Does the work for each, a few side by side. @throws what the first one threw, once all that began have ended */
const forEachOf = async <T>(source: AsyncIterable<T>, work: (value: T) => Promise<void>): Promise<void> => {
  const underWay = new Set<Promise<void>>();
  const errors: unknown[] = [];
  for await (const value of source) {
    const running: Promise<void> = work(value)
      .catch((error: unknown) => void errors.push(error))
      .finally(() => underWay.delete(running));
    underWay.add(running);
    if (underWay.size >= sideBySide) await Promise.race(underWay);
    if (errors.length > 0) break;
  }
  await Promise.all(underWay);
  if (errors.length > 0) throw errors[0];
};

const wantedOf = async (pattern: ThingPattern, memory: ThingMemory, key: { readonly connectionId: string; readonly deviceId: string }): Promise<Wanted | undefined> => {
  const record = await memory.find(key.connectionId, key.deviceId);
  const remembered = record?.attributes === undefined ? undefined : { thingName: record.thingName, attributes: record.attributes };
  const draft = remembered ?? pattern.draftOfId(key.deviceId);
  return draft === undefined ? undefined : { deviceId: key.deviceId, draft, record };
};

/**
 * Compares the devices that the bridge knows with the things that AWS has, a page of things at a time.
 * @throws BridgeError as RegistryClient where AWS cannot be asked; store_unavailable, redis_unavailable. What fails for one thing only is a difference.
 */
export const syncThings = async (options: SyncOptions): Promise<SyncTotals> => {
  const { connectionId, things, memory, apply } = options;
  const registry = createRegistryClient(options.registry);
  const pattern = compileThingPattern(things);
  const totals = { ...Object.fromEntries(syncStates.map((state) => [state, 0])), made: 0, mended: 0, failed: 0 } as { -readonly [K in keyof SyncTotals]: number };
  const tell = (difference: SyncDifference): void => {
    totals[difference.state] += 1;
    if (difference.result !== undefined) totals[difference.result] += 1;
    options.onDifference(difference);
  };
  const ensureThing = createEnsureThing(
    { registry, principal: createPrincipal(registry, options.certificate), withThingType: createWithThingType(registry, things.deviceType, () => undefined) },
    things,
  );

  const ofType = (type: string): SyncState => (things.deviceType === undefined || type === things.deviceType ? 'ok' : 'wrong_type');

  const compare = async ({ draft: { thingName } }: Wanted, types: Map<string, string>): Promise<SyncState> => {
    const type = types.get(thingName);
    if (type !== undefined) return ofType(type);
    const thing = await registry.describeThing(thingName);
    if (thing === undefined) return 'missing';
    return isOwn(thing, things) ? ofType(thing.typeName ?? '') : 'foreign';
  };

  const look = async (deviceId: string, types: Map<string, string>, met: Set<string>): Promise<void> => {
    const wanted = await namedOrTold(deviceId);
    if (wanted === undefined) return;
    const { thingName } = wanted.draft;
    const state = await compare(wanted, types);
    met.add(thingName);
    if (state === 'ok') totals.ok += 1;
    else tell({ state, deviceId, thingName, ...(apply && (state !== 'foreign' || things.takeOver) ? await mend(ensureThing, wanted) : {}) });
  };

  const namedOrTold = async (deviceId: string): Promise<Wanted | undefined> => {
    try {
      const wanted = await wantedOf(pattern, memory, { connectionId, deviceId });
      if (wanted === undefined) tell({ state: 'unnamed', deviceId, detail: 'the name of the thing needs more than the device id' });
      return wanted;
    } catch (error) {
      if (!(error instanceof BridgeError) || error.reason !== 'thing_invalid') throw error;
      tell({ state: 'unnamed', deviceId, detail: error.message });
      return undefined;
    }
  };

  const mend = async (ensure: EnsureThing, { deviceId, draft, record }: Wanted): Promise<Pick<SyncDifference, 'result' | 'detail'>> => {
    try {
      const ensured = await ensure(draft);
      if (ensured.state === 'foreign') return { result: 'failed', detail: ensured.detail };
      memory.put({ connectionId, deviceId, thingName: draft.thingName, state: 'ready', since: record?.state === 'ready' ? record.since : Date.now(), attributes: draft.attributes });
      return { result: ensured.change === 'made' ? 'made' : 'mended' };
    } catch (error) {
      return { result: 'failed', detail: messageOf(error) };
    }
  };

  try {
    const types = await ownThings(registry, things);
    const met = new Set<string>();
    await forEachOf(options.devices, ({ deviceId }) => look(deviceId, types, met));
    for (const thingName of types.keys()) if (!met.has(thingName)) tell({ state: 'unknown', thingName });
    return totals;
  } finally {
    registry.close();
  }
};
