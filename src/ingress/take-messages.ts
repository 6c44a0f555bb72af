import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { DeviceActivity, DeviceRecord, Devices } from '../downlink/ports.js';
import type { NetworkServerAdapter, ParsedMessage } from '../network-servers/network-server.js';
import type { AcceptedMessage, Incoming, Receipt, Sender } from '../uplink/ports.js';

/** What a webhook needs of the uplink room. */
export type AcceptMessages = (sender: Sender, incoming: readonly Incoming[], body: Buffer) => Promise<Receipt>;

/** What a webhook needs of the downlink room. */
export interface WebhookDownlinks {
  readonly devices: Pick<Devices, 'heard'>;
  /** Finds the downlinks that reports belong to; `settled` is called when the messages are durable. Never throws. */
  resolve(sender: Sender, incoming: readonly Incoming[]): Promise<{ readonly incoming: readonly Incoming[]; settled(): Promise<void> }>;
  /** The payload (hex) that a device's network collects with this request, or undefined. Never throws, bounded. */
  collect(request: { readonly networkServer: Sender; readonly deviceId: string; readonly requestId: string; readonly again: boolean }): Promise<string | undefined>;
}

export type WebhookAnswer = ReturnType<NonNullable<NetworkServerAdapter['answer']>>;

/** What a webhook gets: that its messages are durable, and for a network that collects downlinks its answer. */
export interface Taken {
  readonly receipt: Receipt;
  readonly answer?: WebhookAnswer;
}

export type TakeMessages = (sender: Sender, adapter: Pick<NetworkServerAdapter, 'answer'>, document: { readonly messages: readonly ParsedMessage[]; readonly body: Buffer }) => Promise<Taken>;

const reports = (messages: readonly ParsedMessage[]): boolean => messages.some(({ fields }) => fields.type === 'downlink-status');

/** Only what a device sent by itself tells where it is heard. */
const heardRecord = (sender: Sender, { fields, address = {} }: ParsedMessage, { connectionIds }: AcceptedMessage): DeviceRecord | undefined =>
  fields.type === 'uplink' || fields.type === 'join' ? { deviceId: fields.deviceId, networkServerId: sender.id, connectionIds: connectionIds.length < 2 ? connectionIds : [...connectionIds].sort(), address } : undefined;

const activityOf = ({ fields }: ParsedMessage): DeviceActivity =>
  fields.type === 'uplink' && fields.fCnt !== undefined ? { lastSeenAt: Date.now(), fCnt: fields.fCnt } : { lastSeenAt: Date.now() };

/** A Sigfox device listens for about 20 s after its message; the network repeats an unanswered callback after a minute at the earliest. */
const listeningMs = 30_000;

/** Whether a request for a downlink came before. A DATA callback of the same message may have come first: then it is a duplicate, but a fresh one. */
const isRepeated = ({ eventTimeMs }: ParsedMessage, { duplicate }: AcceptedMessage): boolean => duplicate && (eventTimeMs === undefined || Date.now() - eventTimeMs > listeningMs);

/** Takes the messages of one document: matches reports, makes all durable, remembers the devices, and collects waiting downlinks. */
export const createTakeMessages = (accept: AcceptMessages, downlinks: WebhookDownlinks, logger: Logger): TakeMessages => {
  const collect = async (sender: Sender, messages: readonly ParsedMessage[], accepted: readonly AcceptedMessage[]): Promise<readonly { device: string; payload?: string }[]> => {
    const asking = messages.flatMap((message, index) => {
      const { downlinkRequest, fields } = message;
      const { [index]: one } = accepted;
      if (downlinkRequest === undefined || one === undefined) return [];
      return [{ device: downlinkRequest.device, request: { networkServer: sender, deviceId: fields.deviceId, requestId: one.id, again: isRepeated(message, one) } }];
    });
    return Promise.all(
      asking.map(async ({ device, request }) => {
        const payload = await downlinks.collect(request);
        return payload === undefined ? { device } : { device, payload };
      }),
    );
  };

  return async (sender, adapter, { messages, body }) => {
    const resolved = reports(messages) ? await downlinks.resolve(sender, messages) : undefined;
    const receipt = await accept(sender, resolved?.incoming ?? messages, body);
    resolved?.settled().catch((error: unknown) => logger.warn({ network_server: sender.id, detail: messageOf(error) }, 'a reported downlink is still remembered'));
    messages.forEach((message, index) => {
      const accepted = receipt.messages[index];
      const record = accepted === undefined || accepted.duplicate ? undefined : heardRecord(sender, message, accepted);
      if (record !== undefined) downlinks.devices.heard(record, activityOf(message));
    });
    const answers = adapter.answer === undefined ? [] : await collect(sender, messages, receipt.messages);
    return answers.length === 0 || adapter.answer === undefined ? { receipt } : { receipt, answer: adapter.answer(answers) };
  };
};
