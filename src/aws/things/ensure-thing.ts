import { BridgeError } from '../../errors.js';
import type { Principal } from './certificate-principal.js';
import type { RegistryClient, Thing, ThingChange } from './registry-client.js';
import type { ThingDraft, ThingSettings } from './thing-pattern.js';
import type { WithThingType } from './thing-type.js';

/** How it stands with a thing. `foreign`: it exists and belongs to another system. */
export type Ensured = { readonly state: 'ready'; readonly change: 'none' | 'made' | 'mended' } | { readonly state: 'foreign'; readonly detail: string };

export interface EnsureParts {
  readonly registry: RegistryClient;
  readonly principal: Principal;
  readonly withThingType: WithThingType;
}

/** Makes a thing as the settings say, or mends the one that is there. @throws as RegistryClient */
export type EnsureThing = (draft: ThingDraft) => Promise<Ensured>;

export const isOwn = (thing: Thing, { ownerAttribute, owner }: ThingSettings): boolean => thing.attributes[ownerAttribute] === owner;

/** What a thing lacks; undefined when nothing. Attributes that are there keep their values: somebody may have set them by hand. */
const lacking = (thing: Thing, draft: ThingDraft, settings: ThingSettings): ThingChange | undefined => {
  const attributes = Object.fromEntries(Object.entries(draft.attributes).filter(([name, value]) => thing.attributes[name] === undefined || (name === settings.ownerAttribute && thing.attributes[name] !== value)));
  const { deviceType } = settings;
  const typeName = deviceType === undefined || deviceType === thing.typeName ? undefined : deviceType;
  if (typeName === undefined && Object.keys(attributes).length === 0) return undefined;
  return { attributes, ...(typeName === undefined ? {} : { typeName }) };
};

/** Safe to run twice, at the same time too, by two replicas too: what is there already is as good as made. */
export const createEnsureThing = ({ registry, principal, withThingType }: EnsureParts, settings: ThingSettings): EnsureThing => {
  const { deviceType, group, billingGroup } = settings;

  const create = ({ thingName, attributes }: ThingDraft): Promise<'created' | 'exists'> =>
    withThingType(() => registry.createThing({ name: thingName, attributes, ...(deviceType === undefined ? {} : { typeName: deviceType }), ...(billingGroup === undefined ? {} : { billingGroup }) }));

  /** The thing that is there, or undefined when it was made just now. */
  const findOrMake = async (draft: ThingDraft): Promise<Thing | undefined> => {
    const found = await registry.describeThing(draft.thingName);
    if (found !== undefined || (await create(draft)) === 'created') return found;
    const other = await registry.describeThing(draft.thingName);
    if (other === undefined) throw new BridgeError('registry_unreachable', { detail: `the thing ${draft.thingName} was made and removed by somebody else at the same time` });
    return other;
  };

  const mend = async (thing: Thing, draft: ThingDraft): Promise<boolean> => {
    const change = lacking(thing, draft, settings);
    if (change === undefined) return false;
    await withThingType(() => registry.updateThing(thing.name, change));
    return true;
  };

  const attach = async (name: string): Promise<void> => {
    const arn = await principal();
    if (arn !== undefined) await registry.attachPrincipal(name, arn);
    if (group !== undefined) await registry.addToGroup(name, group);
  };

  return async (draft) => {
    const found = await findOrMake(draft);
    if (found !== undefined && !isOwn(found, settings) && !settings.takeOver) {
      const owner = found.attributes[settings.ownerAttribute];
      return { state: 'foreign', detail: `the thing ${found.name} ${owner === undefined ? `has no attribute ${settings.ownerAttribute}` : `has ${settings.ownerAttribute}=${owner}`}` };
    }
    const mended = found !== undefined && (await mend(found, draft));
    await attach(draft.thingName);
    if (found === undefined) return { state: 'ready', change: 'made' };
    return { state: 'ready', change: mended ? 'mended' : 'none' };
  };
};
