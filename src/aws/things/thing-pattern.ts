import { BridgeError, messageOf } from '../../errors.js';
import { stampMessage, type Message } from '../../messages/message.js';
import { parsePattern, type Placeholder, type Segment } from '../../topics/pattern-segments.js';
import { compileValue } from '../../topics/topic-pattern.js';
import { attributeValue, checkAttributes, checkThingName } from './thing-rules.js';

/** What things of a connection are to be; the names stand in the configuration under `things`, `deviceType` apart. */
export interface ThingSettings {
  /** Pattern of the thing's name. */
  readonly name: string;
  /** Patterns of the attributes' values by the attributes' names. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Thing type; the bridge makes it when AWS has none of this name. */
  readonly deviceType?: string;
  readonly group?: string;
  readonly billingGroup?: string;
  /** Name and value of the attribute by which the bridge knows its own things. */
  readonly ownerAttribute: string;
  readonly owner: string;
  /** Things that exist without that attribute are taken for the bridge's own and get it. */
  readonly takeOver: boolean;
}

/** A thing before it exists: its name, and its attributes with the one of ownership. */
export interface ThingDraft {
  readonly thingName: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ThingPattern {
  /** The thing of the message's device, or why there can be none (`thing_invalid`). */
  draftOf(message: Message): { readonly draft: ThingDraft } | { readonly invalid: BridgeError };
  /** The same, with the attributes that need nothing else, for a device of which only the id is known; undefined where the name needs more. @throws BridgeError thing_invalid */
  draftOfId(deviceId: string): ThingDraft | undefined;
}

type Render = (message: Message) => string;

const isText = (segment: Segment): segment is string => typeof segment === 'string';

const compile = (segments: readonly Segment[]): Render => {
  const pieces = segments.map((segment) => (isText(segment) ? segment : compileValue(segment)));
  return (message) => pieces.map((piece) => (typeof piece === 'string' ? piece : piece(message))).join('');
};

const idKeywords: ReadonlySet<string> = new Set(['DevEUI', 'devEui', 'deviceId']);

/** Whether the first alternative is made of the device id, so that no message can render it otherwise. */
const needsOnlyId = ({ alternatives: [first] }: Placeholder): boolean => first?.kind === 'keyword' && idKeywords.has(first.keyword);

const idOnly = (segments: readonly Segment[]): boolean => segments.every((segment) => isText(segment) || needsOnlyId(segment));

/** A message that says nothing but its device. */
const bareMessage = (deviceId: string): Message => stampMessage({ id: '', receivedAt: '' }, { type: 'uplink', deviceId, payload: '' });

/** @throws BridgeError config_invalid where a pattern cannot be read */
export const compileThingPattern = (settings: ThingSettings): ThingPattern => {
  const nameSegments = parsePattern(settings.name);
  const name = compile(nameSegments);
  const attributes = Object.entries(settings.attributes).map(([key, pattern]) => {
    const segments = parsePattern(pattern);
    return { key, render: compile(segments), idOnly: idOnly(segments) };
  });

  /** An attribute for which the message has no value is left out. */
  const rendered = (message: Message, all: boolean): Record<string, string> => {
    const values: Record<string, string> = {};
    for (const attribute of attributes) {
      if (!all && !attribute.idOnly) continue;
      try {
        values[attribute.key] = attributeValue(attribute.render(message));
      } catch (error) {
        if (!(error instanceof BridgeError) || error.reason !== 'topic_unresolved') throw error;
      }
    }
    return { ...values, [settings.ownerAttribute]: settings.owner };
  };

  const draft = (message: Message, all: boolean): ThingDraft => {
    const thingName = checkThingName(name(message));
    const made = rendered(message, all);
    checkAttributes(made, settings.deviceType !== undefined);
    return { thingName, attributes: made };
  };

  return {
    draftOf(message) {
      try {
        return { draft: draft(message, true) };
      } catch (error) {
        return { invalid: new BridgeError('thing_invalid', { detail: messageOf(error), cause: error }) };
      }
    },
    draftOfId: (deviceId) => (idOnly(nameSegments) ? draft(bareMessage(deviceId), false) : undefined),
  };
};
