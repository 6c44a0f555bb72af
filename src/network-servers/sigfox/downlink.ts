import { fieldError } from '../../errors.js';
import type { DownlinkClient } from '../downlink-client.js';
import { requireBytes } from '../downlink-check.js';
import type { WebhookAnswer } from '../network-server.js';

/** A downlink of Sigfox has 8 bytes, never more or less. */
const payloadForm = /^[0-9a-f]{16}$/i;

/** Sigfox collects downlinks: they are the answers to bidirectional callbacks, and their fate comes in the ACKNOWLEDGE callback. */
export const createSigfoxDownlinks = (): DownlinkClient => ({
  delivery: 'mailbox',
  check: (downlink) => {
    if (!payloadForm.test(requireBytes(downlink, 'Sigfox'))) throw fieldError('payload', 'must be exactly 8 bytes');
  },
  idsOf: () => [],
  reportsAfter: () => true,
  close: () => Promise.resolve(),
});

/**
 * The answer to a callback that asked for downlinks: 204 when there is none for any device of it; else the documented JSON, in which
 * the other devices of a batch have `noData`.
 */
export const answerCallback = (answers: readonly { readonly device: string; readonly payload?: string }[]): WebhookAnswer => {
  const payloads = new Map<string, string | undefined>();
  for (const { device, payload } of answers) payloads.set(device, payloads.get(device) ?? payload);
  if (![...payloads.values()].some((payload) => payload !== undefined)) return { status: 204 };
  const body = Object.fromEntries([...payloads].map(([device, payload]) => [device, payload === undefined ? { noData: true } : { downlinkData: payload }]));
  return { status: 200, contentType: 'application/json', body: JSON.stringify(body) };
};
