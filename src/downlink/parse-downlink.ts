import { readDocument, type DocumentObject } from './document.js';
import { rejectionOf, type ParseContext, type ParsedDownlink } from './downlink-draft.js';
import { parseNativeForm } from './native-form.js';
import { parseTheThingsStackForm, theThingsStackKey } from './the-things-stack-form.js';
import { parseThingParkForm, thingParkKey } from './thingpark-form.js';

type ParseForm = (root: DocumentObject, context: ParseContext) => readonly ParsedDownlink[];

const formOf = ({ value }: DocumentObject): ParseForm => {
  if (Object.hasOwn(value, thingParkKey)) return parseThingParkForm;
  return Object.hasOwn(value, theThingsStackKey) ? parseTheThingsStackForm : parseNativeForm;
};

/**
 * The downlinks of one message, in its order, whichever of the three forms it has. Never throws: what cannot be read is a
 * rejection with `malformed_body` or `invalid_field`, whose field is the path in the caller's own document.
 */
export const parseDownlink = (payload: Buffer, context: ParseContext): readonly ParsedDownlink[] => {
  try {
    const root = readDocument(payload);
    return formOf(root)(root, context);
  } catch (error) {
    return [rejectionOf(error)];
  }
};
