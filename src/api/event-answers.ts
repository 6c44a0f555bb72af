import type { BridgeEvent } from '../messages/bridge-event.js';
import { isoTime } from './answers.js';
import { given } from '../given.js';
import { object, reason, text, time, type Schema } from './schemas.js';

/** An event in an answer. */
export const eventSchema: Schema = object(
  {
    id: text('Its id.'),
    subject: object({ kind: text('What it is about.', { enum: ['connection', 'network-server', 'bridge'] }), id: text('Id of the connection or network server; `bridge`.') }),
    time: time('When.'),
    level: text('How bad it is.', { enum: ['info', 'warning', 'error'] }),
    text: text('What happened.'),
    reason,
    detail: text('In words.'),
    device: text('Device id.'),
    messageId: text('Id of the message.'),
    downlinkId: text('Id of the downlink.'),
  },
  ['reason', 'detail', 'device', 'messageId', 'downlinkId'],
);

export const eventJson = (entry: BridgeEvent & { readonly id: string }) => ({
  id: entry.id,
  subject: { kind: entry.subject.kind, id: entry.subject.id },
  time: isoTime(entry.time),
  level: entry.level,
  text: entry.text,
  ...given({ reason: entry.reason, detail: entry.detail, device: entry.deviceId, messageId: entry.messageId, downlinkId: entry.downlinkId }),
});
