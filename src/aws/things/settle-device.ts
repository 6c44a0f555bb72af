import type { Reason } from '../../errors.js';
import type { Principal } from './certificate-principal.js';
import { createEnsureThing } from './ensure-thing.js';
import type { RegistryClient } from './registry-client.js';
import type { ThingDraft, ThingSettings } from './thing-pattern.js';
import { createWithThingType } from './thing-type.js';

/** How it stands with the thing of a device, by what AWS says now. */
export type Settled = { readonly state: 'ready' } | { readonly state: 'missing' | 'foreign' | 'failed'; readonly reason: Reason; readonly detail: string };

/** @throws as RegistryClient */
export type SettleDevice = (draft: ThingDraft) => Promise<Settled>;

export interface SettleParts {
  readonly registry: RegistryClient;
  readonly principal: Principal;
  readonly typeMade: (typeName: string) => void;
}

/** `create`: makes and mends things; otherwise only looks whether they exist, and touches nothing. */
export const createSettleDevice = ({ registry, principal, typeMade }: SettleParts, settings: ThingSettings, create: boolean): SettleDevice => {
  const { deviceType } = settings;
  const withThingType = createWithThingType(registry, deviceType, () => typeMade(deviceType ?? ''));
  const ensureThing = createEnsureThing({ registry, principal, withThingType }, settings);

  const look: SettleDevice = async ({ thingName }) =>
    (await registry.describeThing(thingName)) === undefined
      ? { state: 'missing', reason: 'thing_missing', detail: `AWS has no thing ${thingName}, and createDevices is false` }
      : { state: 'ready' };

  const ensure: SettleDevice = async (draft) => {
    const ensured = await ensureThing(draft);
    return ensured.state === 'ready' ? { state: 'ready' } : { state: 'foreign', reason: 'thing_foreign', detail: ensured.detail };
  };

  return create ? ensure : look;
};
