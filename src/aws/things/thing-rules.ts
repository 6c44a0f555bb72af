import { BridgeError } from '../../errors.js';

/** What AWS takes ("AWS IoT Core thing resource limits", General Reference; CreateThing, API Reference). */
const thingName = /^[a-zA-Z0-9:_-]{1,128}$/;
const attributeName = /^[a-zA-Z0-9_.,@/:#-]{1,128}$/;
const untakenInValue = /[^a-zA-Z0-9_.,@/:#=[\]-]/gu;
const attributeValueLength = 800;
const attributesWithType = 50;
const attributesWithoutType = 3;

const invalid = (detail: string): BridgeError => new BridgeError('thing_invalid', { detail });

/** @throws BridgeError thing_invalid */
export const checkThingName = (name: string): string => {
  if (!thingName.test(name)) throw invalid(`the thing name ${JSON.stringify(name.slice(0, 140))} is not 1 to 128 letters, digits, :, _ or -`);
  return name;
};

/**
 * A text as the value of an attribute: characters that AWS does not take, such as spaces and letters with accents, become `_`, and what is
 * over 800 characters is cut off, for a description that somebody wrote at the network server must not keep a device out.
 */
export const attributeValue = (text: string): string => text.replace(untakenInValue, '_').slice(0, attributeValueLength);

/** @throws BridgeError thing_invalid */
export const checkAttributes = (attributes: Readonly<Record<string, string>>, hasType: boolean): void => {
  const names = Object.keys(attributes);
  const wrong = names.find((name) => !attributeName.test(name));
  if (wrong !== undefined) throw invalid(`the attribute name ${JSON.stringify(wrong.slice(0, 140))} is not 1 to 128 letters, digits or _ . , @ / : # -`);
  const most = hasType ? attributesWithType : attributesWithoutType;
  if (names.length > most) throw invalid(`${names.length} attributes with the ownership attribute; AWS takes ${most} on a thing ${hasType ? 'with' : 'without'} a type`);
};
