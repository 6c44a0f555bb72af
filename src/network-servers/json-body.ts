import { createHash } from 'node:crypto';
import { bodyText, jsonValue } from './body-text.js';
import { rootFields, type Fields } from './fields.js';
import type { WebhookRequest } from './network-server.js';

/** Reads a body that must be one JSON object in UTF-8. @throws malformed_body; invalid_field `body` for JSON that is no object */
export const readJsonBody = (request: WebhookRequest): Fields => rootFields(jsonValue(bodyText(request.body)));

/** Hash of a parsed JSON value, 32 hex digits: the same body read twice gives the same hash. */
export const jsonDigest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
